"""Auto Scaling: groups, configurations, rules, lifecycle hooks, activities."""
