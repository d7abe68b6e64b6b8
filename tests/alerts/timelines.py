"""All timelines."""

from tests.alerts.timelines_of_hushing import INHIBITION, SILENCES
from tests.alerts.timelines_of_notifications import ACKS, CONTRACT, FLAPPING, NOTIFICATIONS
from tests.alerts.timelines_of_restarts import KPIS, RESTARTS
from tests.alerts.timelines_of_samples import RULES_AND_SERIES, SAMPLES_AND_INSTANTS, STALENESS, WINDOWS
from tests.alerts.timelines_of_states import GONE, MISSING_DATA, STATES

TIMELINES = [
    *RULES_AND_SERIES,
    *SAMPLES_AND_INSTANTS,
    *STALENESS,
    *WINDOWS,
    *STATES,
    *MISSING_DATA,
    *GONE,
    *RESTARTS,
    *FLAPPING,
    *INHIBITION,
    *SILENCES,
    *ACKS,
    *NOTIFICATIONS,
    *KPIS,
    *CONTRACT,
]
