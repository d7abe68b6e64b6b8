"""The words of alerts: states, and severities with their ranks."""

INACTIVE, PENDING, FIRING, RESOLVED = "inactive", "pending", "firing", "resolved"
SEVERITIES = ("critical", "high", "medium", "low", "info")
RANK = {severity: rank for rank, severity in enumerate(SEVERITIES)}
