"""Who works in the demo and on what: the agents' characters and their tasks' texts. Data only."""


class Character:
    """How one agent works. Seconds are means at speed 1; chances are of one task's outcome.

    `arrival_s` is how often the orchestrator has a new task for it, `most` how many may wait for
    it then, `backlog` how many wait there at the start. An agent with no `work_s` is
    decommissioned and never touched. Not a NamedTuple, since `typing` is 1.5 MB in the fleet.
    """

    __slots__ = (
        "agent", "arrival_s", "backlog", "blocking", "expertise", "failing", "most", "name", "reviewed",
        "titles", "work_s",
    )  # fmt: skip

    def __init__(
        self,
        agent: str,
        name: str,
        expertise: tuple[str, ...],
        titles: tuple[str, ...] = (),
        *,
        work_s: float = 0.0,
        arrival_s: float = 0.0,
        most: int = 0,
        backlog: int = 0,
        failing: float = 0.0,
        blocking: float = 0.0,
        reviewed: float = 0.0,
    ) -> None:
        self.agent = agent
        self.name = name
        self.expertise = expertise
        self.titles = titles
        self.work_s = work_s
        self.arrival_s = arrival_s
        self.most = most
        self.backlog = backlog
        self.failing = failing
        self.blocking = blocking
        self.reviewed = reviewed


CHARACTERS: tuple[Character, ...] = (
    Character(
        "ARCH",
        "Architect & Orchestrator",
        ("architecture", "orchestration", "review"),
        (
            "Plan sprint {n}: split the ingest epic into tasks",
            "Review the agent protocol and its open questions",
            "Write the decision record for queue ownership",
            "Reconcile sprint progress with the outboxes",
            "Draft acceptance criteria for the results page",
        ),
        work_s=55,
        arrival_s=65,
        most=2,
        backlog=1,
        failing=0.02,
    ),
    Character(
        "BLUE",
        "Blue Label Research",
        ("research", "documentation", "backend"),
        (
            "Compare three PDF extractors on 40 documents",
            "Summarise user interviews of week {n}",
            "Document the retry policy for operators",
        ),
        work_s=20,
        arrival_s=150,
        most=1,
    ),
    Character(
        "CA",
        "Cursor AI Frontend",
        ("frontend", "ui", "react", "css", "user_experience"),
        (
            "Process page: file, URL, text and audio input",
            "Results list with filters and empty states",
            "Keyboard navigation in the agent picker",
            "Dark theme contrast fixes, round {n}",
            "Upload progress that survives a reload",
            "Error messages a user can act on",
            "Responsive layout below 600 pixels",
        ),
        work_s=38,
        arrival_s=44,
        most=3,
        backlog=2,
        failing=0.04,
        reviewed=0.85,
    ),
    Character(
        "CB",
        "Claude Code Backend",
        ("backend", "api", "database", "python"),
        (
            "GET /api/agents with capability filters",
            "Migrate task storage to schema v{n}",
            "Rate limits per workspace and per key",
            "Streaming transcription endpoint",
            "Idempotent retries for the upload API",
            "Index the results table by owner and time",
            "Background jobs: dead letters and replay",
            "Sign download links and expire them",
            "Trace ids through every service call",
            "Bulk import of 10,000 documents",
            "Pool database connections per worker",
            "Webhook delivery with back-off",
        ),
        work_s=35,
        arrival_s=33,
        most=18,
        backlog=16,
        failing=0.1,
        reviewed=0.1,
    ),
    Character(
        "CC",
        "Claude Code Testing",
        ("testing", "quality_assurance", "integration", "performance"),
        (
            "End-to-end test of the upload journey",
            "Load test: 200 concurrent transcriptions",
            "Flaky test hunt in the integration suite",
            "Contract tests for /api/agents v{n}",
            "Failure injection: agent dies mid-task",
            "Accessibility audit of the results page",
        ),
        work_s=30,
        arrival_s=66,
        most=4,
        backlog=3,
        failing=0.2,
        blocking=0.45,
    ),
    Character(
        "WA",
        "Windsurf Infrastructure (DECOMMISSIONED)",
        ("infrastructure", "devops", "tooling"),
    ),
)

BY_AGENT: dict[str, Character] = {c.agent: c for c in CHARACTERS}

# Values and their weights: small numbers are common, as in real queues.
PRIORITIES, PRIORITY_WEIGHTS = ("HIGH", "MEDIUM", "LOW", "CRITICAL"), (6, 5, 2, 1)
HOURS, HOUR_WEIGHTS = (0.5, 1, 2, 3, 4, 6, 8), (2, 4, 6, 4, 3, 2, 1)

DELIVERABLES = (
    "Implementation with unit tests",
    "Integration test against the staging workspace",
    "Short note in /docs/dev for the next agent",
    "Metrics before and after",
    "Migration and the way back",
    "Screenshots at three widths",
)

FAILURES = (
    "Gave up after 3 attempts: the staging database refused connections",
    "Tests stay red: 4 of 61 fail on main as well",
    "The upstream API answers 502 for every second request",
    "Out of context window at file 112 of 140; needs a smaller split",
)

# What the queues have done before the demo starts: oldest first, x a failure.
PAST = {
    "ARCH": "......",
    "BLUE": "....",
    "CA": ".......x..",
    "CB": "...x....x...",
    "CC": "..x...x..",
    "WA": "",
}
