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
    draw jsonb;
    ranges text;
    from_id text;
    to_id text;
    trader bigint := (SELECT u.id FROM accounts_user u WHERE u.username = 'trader');
BEGIN
    facts := registry_facts(format('{"accounts": ["%s", "%s"], "day": "2026-03-02", "now": "%s", "user": %s, "draws": [{"account": "%s",
        "registry": "CNBJ", "unit_type": "BEA", "vintage": null, "recognition": 0, "obligation": null, "quantity": %s,
        "most": 3001, "lapsing": false, "now": "%s"}], "senders": ["%s"], "limited": ["%s"]}', sender, acquirer, now(), trader, sender, units, now(),
        sender, sender)::jsonb, true);
    draw := facts -> 'draws' -> 0;
    IF (draw ->> 'free')::bigint < units THEN
        RAISE EXCEPTION 'not enough';
    END IF;
    from_id := facts -> 'accounts' -> sender ->> 'id';
    to_id := facts -> 'accounts' -> acquirer ->> 'id';
    SELECT string_agg(format('[0, %s, %s, %s, %s, %s, %s, %s]', p -> 0, p -> 1, p -> 2, p -> 3, p -> 4, from_id, to_id), ', ')
    INTO ranges FROM jsonb_array_elements(draw -> 'pieces') p;
    PERFORM registry_effect(format('{"transactions": [{"id": "%s", "type_id": "10-50", "state": "COMPLETED", "jurisdiction_id": %s,
        "transferring_id": %s, "acquiring_id": %s, "quantity": %s, "reason": "", "beneficiary": "", "client_reference": "",
        "initiator_id": %s, "proposed_at": "%s", "completed_at": "%s"}], "ranges": [%s], "entries": [{"registry": "CN-BJ", "event":
        "transaction.transfer", "part": 1, "parts": 1, "occurred_at": "%s", "actor": "user:1", "subject": "%s", "body":
        "{\"acquiring\": \"%s\", \"quantity\": %s, \"ranges\": [%s], \"transaction\": \"%s\", \"transferring\": \"%s\"}"}],
        "answers": []}', id, draw ->> 'origin', from_id, to_id, units, trader, now(), now(), ranges, now(), id, acquirer, units, ranges, id,
        sender)::jsonb);
END $$;

GRANT USAGE ON SCHEMA bench TO registry_application;
GRANT SELECT ON bench.account TO registry_application;
GRANT SELECT, INSERT ON bench.inserted TO registry_application;
