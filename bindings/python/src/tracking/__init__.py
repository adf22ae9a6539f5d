"""Real-time event tracking: the engine in this process, or at a distance.

    import tracking

    with tracking.open(accounts="memory:?active=1,3") as service, service.subscribe([1]) as subscriber:
        service.track(1, {"page": "/"})
        for event in subscriber:
            print(event.account_id, event.data)
"""

from ._deliveries import Event, Gap
from ._errors import Closed, Error, InactiveAccount, InDoubt, Refused, Unavailable, UnknownAccount
from ._library import LIBRARY as _LIBRARY
from ._receipts import Receipt, Receipts
from ._service import Json, Service, connect, open
from ._subscriber import Subscriber, subscribe

__all__ = ["Closed", "Error", "Event", "Gap", "InDoubt", "InactiveAccount", "Json", "Receipt", "Receipts", "Refused",
           "Service", "Subscriber", "Unavailable", "UnknownAccount", "connect", "open", "subscribe"]

#: The version of the engine that runs.
__version__: str = _LIBRARY.tracking_version().decode()
