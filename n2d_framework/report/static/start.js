startTheme();
startTable();
startHeatmap();
startIntervals();
startCells();
