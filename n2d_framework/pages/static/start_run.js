startTheme();
startMap();
