"""Stream workers on many machines: Ray places and restarts them, the gateway puts each room on one."""
