"""Application Load Balancer: its server groups, as records that scaling groups keep in step."""
