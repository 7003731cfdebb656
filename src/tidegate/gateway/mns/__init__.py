"""The REST door of MNS: ``/queues/…`` and ``/topics/…`` with XML bodies and a signature of their own."""
