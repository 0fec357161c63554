-- The bare function: facts and effect of one transfer inside PostgreSQL, on the real schema with every constraint, trigger and
-- log entry, without Python and its checks. Accounts are named by their place, so that pgbench can draw them.
CREATE SCHEMA bench;
CREATE TABLE bench.account (place integer PRIMARY KEY, identifier text NOT NULL);
CREATE TABLE bench.inserted (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, value integer NOT NULL);

CREATE FUNCTION bench.transfer(sender_place integer, acquirer_place integer, units bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    sender text := (SELECT identifier FROM bench.account WHERE place = sender_place);
    acquirer text := (SELECT identifier FROM bench.account WHERE place = acquirer_place);
    id uuid := uuidv7();
    facts jsonb;
    pieces jsonb;
    from_id jsonb;
    to_id jsonb;
BEGIN
    facts := registry_facts(jsonb_build_object('accounts', jsonb_build_array(sender, acquirer), 'day', '2026-03-02', 'user', 1,
        'draws', jsonb_build_array(jsonb_build_object('account', sender, 'registry', 'CNBJ', 'unit_type', 'BEA', 'vintage', NULL,
            'recognition', 0, 'obligation', NULL, 'quantity', units, 'most', 3001))), true);
    IF (facts -> 'draws' -> 0 ->> 'free')::bigint < units THEN
        RAISE EXCEPTION 'not enough';
    END IF;
    from_id := facts -> 'accounts' -> sender -> 'id';
    to_id := facts -> 'accounts' -> acquirer -> 'id';
    SELECT jsonb_agg(jsonb_build_array(0, p -> 0, p -> 1, p -> 2, p -> 3, p -> 4, from_id, to_id)) INTO pieces
    FROM jsonb_array_elements(facts -> 'draws' -> 0 -> 'pieces') p;
    PERFORM registry_effect(jsonb_build_object(
        'transactions', jsonb_build_array(jsonb_build_object('id', id, 'type_id', '10-50', 'state', 'COMPLETED',
            'jurisdiction_id', facts -> 'accounts' -> sender -> 'jurisdiction_id', 'transferring_id', from_id, 'acquiring_id', to_id,
            'quantity', units, 'reason', '', 'beneficiary', '', 'client_reference', '', 'proposed_at', now(), 'completed_at', now())),
        'ranges', pieces,
        'entries', jsonb_build_array(jsonb_build_object('registry', 'CN-BJ', 'event', 'transaction.transfer', 'part', 1, 'parts', 1,
            'occurred_at', now(), 'actor', 'user:1', 'subject', id, 'body', jsonb_build_object('acquiring', acquirer, 'quantity',
                units, 'ranges', pieces, 'transaction', id, 'transferring', sender)::text)),
        'answers', '[]'::jsonb));
END $$;

GRANT USAGE ON SCHEMA bench TO registry_application;
GRANT SELECT ON bench.account TO registry_application;
GRANT SELECT, INSERT ON bench.inserted TO registry_application;
