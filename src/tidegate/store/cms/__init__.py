"""What CloudMonitor keeps."""
