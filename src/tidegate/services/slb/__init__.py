"""Server Load Balancer (CLB), as scaling groups use it (ecs.md 13)."""
