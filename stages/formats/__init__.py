"""Image, sound and table files, read and written; knows neither products nor engine."""
