"""What has ended: kept packed, within one bound in bytes; and the intervals of presence."""
