"""CloudMonitor: what hosts and scaling groups use, what users report, and questions about both."""
