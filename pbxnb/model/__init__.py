"""Ring 2, pure state: entities, the store (apply, resync -> Changes), the ledger of calls. No I/O, no clock."""
