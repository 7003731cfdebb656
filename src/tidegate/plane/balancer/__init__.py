"""Load balancers: what really listens, checks and passes on behind SLB."""
