startTheme();
startTree(startMap());
