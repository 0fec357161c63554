-- Statements and balances of a past instant are read by the time of completion. Identifiers sort by that of the proposal, and a
-- delayed transaction completes days later. Completions come in order, so each is added at the index's right edge.
CREATE INDEX completed_transactions ON registry_transaction (completed_at, id) WHERE completed_at IS NOT NULL;
