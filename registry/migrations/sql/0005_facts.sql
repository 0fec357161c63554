-- Facts in one round trip: lock the accounts, read what the checks need, select the blocks. Writes nothing.
-- request: {"accounts": [identifier], "user": id, "draws": [{"account", "registry", "unit_type", "vintage", "recognition",
--   "obligation", "quantity", "most"}], "named": [{"registry", "first", "next", "most"}], "obligations", "allocations", "cap",
--   "principal": text, "key": text, "senders": [identifier] whose approvers and list of trusted accounts are asked for, "limited": [identifier] whose limits are asked for, "own": the transaction that waits}. With lock_rows false it takes no lock and stalls nobody ("explain").

-- Best fit within one series: an exact block, else the smallest that is enough, else the largest, and repeat. A piece is
-- [origin, first, next, series, recognition, vintage]; the last piece is cut from the end of its block.
CREATE FUNCTION registry_best_fit(holder bigint, series integer, recognition integer, vintage integer, wanted bigint, most integer)
RETURNS jsonb LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    left_over bigint := wanted;
    chosen jsonb := '[]';
    source bigint;
    fit_end bigint;
    largest_start bigint;
    largest_end bigint;
    blocks refcursor;
BEGIN
    LOOP
        IF blocks IS NULL OR largest_end - largest_start >= left_over THEN
            -- Blocks taken so far were larger than what is left of the order, so the smallest that is enough is not among them.
            SELECT b.origin_id, b.end_no INTO source, fit_end FROM registry_unitblock b
            WHERE b.account_id = holder AND b.series_id = series AND b.recognition_id = recognition
                AND b.held_for IS NULL AND b.frozen_by IS NULL
                AND b.end_no - b.start_no >= left_over
            ORDER BY b.end_no - b.start_no, b.start_no LIMIT 1;
            IF FOUND THEN
                RETURN chosen || jsonb_build_array(jsonb_build_array(source, fit_end - left_over, fit_end,
                    series, recognition, vintage));
            END IF;
            OPEN blocks FOR SELECT b.origin_id, b.start_no, b.end_no FROM registry_unitblock b
                WHERE b.account_id = holder AND b.series_id = series AND b.recognition_id = recognition
                    AND b.held_for IS NULL AND b.frozen_by IS NULL
                ORDER BY b.end_no - b.start_no DESC, b.start_no DESC;
        ELSE
            chosen := chosen || jsonb_build_array(jsonb_build_array(source, largest_start, largest_end,
                series, recognition, vintage));
            left_over := left_over - (largest_end - largest_start);
        END IF;
        FETCH blocks INTO source, largest_start, largest_end;
        EXIT WHEN NOT FOUND OR jsonb_array_length(chosen) >= most;
    END LOOP;
    RETURN chosen;
END $$;

-- One draw: oldest eligible vintage first. `free` is all that is free and eligible; `kind` is null for an unknown unit type.
CREATE FUNCTION registry_draw(draw jsonb, holder bigint) RETURNS jsonb LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wanted bigint := (draw ->> 'quantity')::bigint;
    issuer bigint;
    kind text;
    free_total bigint := 0;
    chosen jsonb := '[]';
    eligible_until smallint;
    holding record;
BEGIN
    IF draw ->> 'obligation' IS NOT NULL THEN
        SELECT eligible_until_vintage INTO eligible_until FROM registry_obligation WHERE id = (draw ->> 'obligation')::bigint;
    END IF;
    -- One row with nulls where the account holds nothing of the kind.
    FOR holding IN
        SELECT j.id AS origin_id, u.kind, h.account_id, h.series_id, h.recognition_id, s.vintage, h.quantity - h.reserved - coalesce((
            SELECT sum(b.end_no - b.start_no) FROM registry_unitblock b
            WHERE b.account_id = h.account_id AND b.series_id = h.series_id AND b.recognition_id = h.recognition_id
                AND b.frozen_by IS NOT NULL AND b.held_for IS NULL), 0)::bigint AS free
        FROM accounts_jurisdiction j
            LEFT JOIN registry_unittype u ON u.jurisdiction_id = j.id AND u.code = draw ->> 'unit_type'
            LEFT JOIN (registry_series s JOIN registry_holding h ON h.series_id = s.id AND h.quantity > h.reserved)
                ON s.origin_id = j.id AND s.unit_type_id = u.id AND h.account_id = holder
                AND h.recognition_id = (draw ->> 'recognition')::integer
                AND (draw ->> 'lapsing')::boolean
                    = coalesce(registry_valid_until(s.id, h.recognition_id) <= (draw ->> 'now')::timestamptz, false)
                AND (draw ->> 'vintage' IS NULL OR s.vintage = (draw ->> 'vintage')::integer)
                AND (eligible_until IS NULL OR s.vintage <= eligible_until)
        WHERE j.registry_code = draw ->> 'registry' ORDER BY s.vintage, s.id LOOP
        issuer := holding.origin_id;
        kind := holding.kind;
        free_total := free_total + coalesce(holding.free, 0);
        IF wanted > 0 AND holding.free > 0 THEN
            chosen := chosen || registry_best_fit(holding.account_id, holding.series_id, holding.recognition_id,
                holding.vintage, least(wanted, holding.free), (draw ->> 'most')::integer);
            wanted := wanted - least(wanted, holding.free);
        END IF;
    END LOOP;
    RETURN jsonb_build_object('origin', issuer, 'kind', kind, 'free', free_total, 'pieces', chosen);
END $$;

-- The blocks that a named range touches, as they stand; what transaction `own` reserved counts as free for it: {"origin", "pieces": [[origin, first, next, series, recognition, vintage,
-- unit type, kind, account, bound, retired, valid until]]}. Serials not issued yet have nulls.
CREATE FUNCTION registry_named(named jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    first bigint := (named ->> 'first')::bigint;
    next bigint := (named ->> 'next')::bigint;
    issuer bigint;
    found jsonb;
BEGIN
    SELECT id INTO issuer FROM accounts_jurisdiction WHERE registry_code = named ->> 'registry';
    SELECT jsonb_agg(jsonb_build_array(b.origin_id, greatest(b.start_no, first), least(b.end_no, next), b.series_id,
        b.recognition_id, s.vintage, u.code, u.kind, b.account_id, b.held_for IS DISTINCT FROM (named ->> 'own')::uuid
            AND b.held_for IS NOT NULL OR b.frozen_by IS NOT NULL, b.retired,
            registry_valid_until(b.series_id, b.recognition_id))
        ORDER BY b.start_no)
    INTO found
    FROM (SELECT * FROM registry_unitblock WHERE origin_id = issuer AND start_no < next AND start_no >=
            (SELECT max(start_no) FROM registry_unitblock WHERE origin_id = issuer AND start_no <= first)
          ORDER BY start_no LIMIT (named ->> 'most')::integer) b
        LEFT JOIN registry_series s ON s.id = b.series_id LEFT JOIN registry_unittype u ON u.id = s.unit_type_id;
    RETURN jsonb_build_object('origin', issuer, 'pieces', coalesce(found, '[]'));
END $$;

-- One plan per statement and connection, made without its values and by index alone: planning anew cost a sixth of a transfer, and
-- a plan made while a table was small stays right when it has grown. It holds for what is called from here, triggers too.
CREATE FUNCTION registry_facts(request jsonb, lock_rows boolean) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    result jsonb;
    found jsonb;
    cap registry_issuancecap;
    rules_at timestamptz;
    named_accounts text[] := ARRAY(SELECT jsonb_array_elements_text(request -> 'accounts'));
    senders text[] := ARRAY(SELECT jsonb_array_elements_text(request -> 'senders'));
    some_limits boolean;
    some_holding_limits boolean;
BEGIN
    SELECT EXISTS (SELECT FROM registry_limit), EXISTS (SELECT FROM registry_holdinglimit) INTO some_limits, some_holding_limits;
    -- Locks, in the one order: accounts by id, holding limits by id, the cap, the open block. Sinks (accounts that retire units) are locked last,
    -- inside the effect, by their balance rows.
    IF lock_rows THEN
        PERFORM FROM accounts_account
        WHERE identifier = ANY (named_accounts) AND NOT retires
        ORDER BY id FOR NO KEY UPDATE;
        IF some_holding_limits THEN
            PERFORM FROM registry_holdinglimit WHERE (holder_id, jurisdiction_id) IN (
                SELECT a.holder_id, a.jurisdiction_id FROM registry_privateaccount a WHERE a.identifier = ANY (named_accounts))
            ORDER BY id FOR NO KEY UPDATE;
        END IF;
    END IF;
    SELECT jsonb_object_agg(a.identifier, jsonb_build_object('id', a.id, 'type', a.type_id, 'status', a.status,
        'jurisdiction_id', a.jurisdiction_id, 'jurisdiction', j.code, 'registry', j.registry_code, 'retires', a.retires, 'holder', a.holder_id,
        'installation', a.installation_id, 'frozen', a.frozen, 'one_person_surrender', a.one_person_surrender,
        'one_person_trusted_transfer', a.one_person_trusted_transfer, 'trusted_only', a.trusted_only,
        'right', (SELECT r.rights FROM accounts_representative r
         WHERE r.account_id = a.id AND r.user_id = (request ->> 'user')::bigint AND r.state = 'ACTIVE'),
        'other_approvers', a.identifier = ANY (senders) AND EXISTS (SELECT FROM accounts_representative r JOIN accounts_user u ON u.id = r.user_id AND u.is_active
         WHERE r.account_id = a.id AND r.user_id IS DISTINCT FROM (request ->> 'user')::bigint AND r.state = 'ACTIVE'
            AND r.rights IN ('APPROVE', 'INITIATE_AND_APPROVE')),
        'trusts', CASE WHEN a.identifier = ANY (senders) THEN (SELECT jsonb_agg(t.trusted_identifier) FROM accounts_trustedaccount t
         WHERE t.account_id = a.id AND t.trusted_identifier = ANY (named_accounts) AND t.state = 'APPROVED'
            AND t.active_from <= (request ->> 'now')::timestamptz) END))
    INTO found FROM accounts_account a JOIN accounts_jurisdiction j ON j.id = a.jurisdiction_id
    WHERE a.identifier = ANY (named_accounts);
    result := jsonb_build_object('accounts', coalesce(found, '{}'));
    IF some_limits AND request ? 'limited' THEN
        -- What waits counts on the day on which it was proposed.
        SELECT jsonb_object_agg(a.identifier, registry_limits_of(a.id, coalesce((SELECT t.proposed_at FROM registry_transaction t
            WHERE t.id = (request ->> 'own')::uuid), (request ->> 'now')::timestamptz))) INTO found
        FROM accounts_account a WHERE a.identifier = ANY (ARRAY(SELECT jsonb_array_elements_text(request -> 'limited')));
        result := result || jsonb_build_object('limits', found);
    END IF;
    IF some_holding_limits THEN
        SELECT jsonb_object_agg(a.identifier, jsonb_build_array(l."limit", l.held, l.pending)) INTO found
        FROM registry_privateaccount a JOIN registry_holdinglimit l ON l.holder_id = a.holder_id AND l.jurisdiction_id = a.jurisdiction_id
        WHERE a.identifier = ANY (named_accounts);
        result := result || jsonb_build_object('holding_limits', found);
    END IF;
    IF request ? 'key' THEN
        SELECT to_jsonb(w) INTO found FROM registry_answer w
        WHERE w.principal = request ->> 'principal' AND w.key = request ->> 'key';
        result := result || jsonb_build_object('answer', found);
    END IF;
    IF request ? 'references' THEN
        SELECT jsonb_agg(jsonb_build_array(a.identifier, t.client_reference)) INTO found
        FROM jsonb_array_elements(request -> 'references') r JOIN accounts_account a ON a.identifier = r ->> 0
            JOIN registry_transaction t ON t.transferring_id = a.id AND t.client_reference = r ->> 1;
        result := result || jsonb_build_object('references', found);
    END IF;
    IF request ->> 'user' IS NULL THEN
        result := result || jsonb_build_object('exercise', EXISTS (SELECT FROM accounts_deployment WHERE mode = 'exercise'));
    END IF;
    IF request ? 'draws' THEN
        SELECT jsonb_agg(registry_draw(d.value, (result -> 'accounts' -> (d.value ->> 'account') ->> 'id')::bigint) ORDER BY d.ordinality)
        INTO found FROM jsonb_array_elements(request -> 'draws') WITH ORDINALITY d;
        result := result || jsonb_build_object('draws', found);
    END IF;
    IF request ? 'named' THEN
        SELECT jsonb_agg(registry_named(d.value) ORDER BY d.ordinality) INTO found
        FROM jsonb_array_elements(request -> 'named') WITH ORDINALITY d;
        result := result || jsonb_build_object('named', found);
    END IF;
    IF request ? 'obligations' THEN
        SELECT jsonb_object_agg(o.id, to_jsonb(o) || jsonb_build_object('determined_at', (SELECT max(s.determined_at)
            FROM registry_statussnapshot s WHERE s.installation_id = o.installation_id))) INTO found FROM registry_obligation o
        WHERE o.id IN (SELECT value::bigint FROM jsonb_array_elements_text(request -> 'obligations'));
        result := result || jsonb_build_object('obligations', found);
    END IF;
    IF request ? 'allocations' THEN
        SELECT jsonb_object_agg(r.id, jsonb_build_object('installation_id', r.installation_id, 'unit_type', u.code,
            'registry', j.registry_code, 'vintage', r.vintage, 'quantity', r.quantity, 'approved', t.state = 'APPROVED',
            'withheld', r.state = 'WITHHELD', 'delivered',
            EXISTS (SELECT FROM registry_transaction x WHERE x.allocation_id = r.id))) INTO found
        FROM registry_allocation r JOIN registry_allocationtable t ON t.id = r.table_id
            JOIN registry_unittype u ON u.id = r.unit_type_id JOIN accounts_jurisdiction j ON j.id = u.jurisdiction_id
        WHERE r.id IN (SELECT value::bigint FROM jsonb_array_elements_text(request -> 'allocations'));
        result := result || jsonb_build_object('allocations', found);
    END IF;
    IF request ? 'returns' THEN
        IF lock_rows THEN
            PERFORM FROM registry_allocationexcess WHERE allocation_id = (request ->> 'returns')::bigint FOR NO KEY UPDATE;
        END IF;
        SELECT jsonb_build_object('id', r.id, 'installation_id', r.installation_id, 'unit_type', u.code, 'registry', j.registry_code,
            'vintage', r.vintage, 'excess', coalesce(e.quantity, 0), 'returned', coalesce(e.returned, 0))
        INTO found FROM registry_allocation r JOIN registry_unittype u ON u.id = r.unit_type_id
            JOIN accounts_jurisdiction j ON j.id = u.jurisdiction_id LEFT JOIN registry_allocationexcess e ON e.allocation_id = r.id
        WHERE r.id = (request ->> 'returns')::bigint
            AND EXISTS (SELECT FROM registry_transaction t WHERE t.allocation_id = r.id AND t.state = 'COMPLETED');
        result := result || jsonb_build_object('returns', found);
    END IF;
    IF request ? 'carries' THEN
        -- Shared, so that no rule is rewritten between this look and the effect, which looks again.
        IF lock_rows THEN
            PERFORM FROM accounts_datedrule d WHERE starts_with(d.key, 'carry-over.') ORDER BY d.id FOR SHARE;
        END IF;
        -- Every rule and recognition: they are few. What waits is judged by the rule of the day on which it was proposed.
        SELECT jsonb_build_object(
            'rules', (SELECT jsonb_agg(jsonb_build_array(j.registry_code, u.code, rule)) FROM registry_unittype u
                JOIN accounts_jurisdiction j ON j.id = u.jurisdiction_id
                CROSS JOIN registry_carry_over_rule(u.id, coalesce((SELECT t.proposed_at FROM registry_transaction t
                    WHERE t.id = (request ->> 'own')::uuid), (request ->> 'now')::timestamptz)) rule WHERE rule IS NOT NULL),
            'periods', (SELECT jsonb_object_agg(r.id, r.applicable_period) FROM registry_recognition r)) INTO found;
        result := result || jsonb_build_object('carries', found);
    END IF;
    IF request ? 'converts' THEN
        -- What waits is judged by the rule of the day on which it was proposed, and by the years and caps of today.
        rules_at := coalesce((SELECT t.proposed_at FROM registry_transaction t WHERE t.id = (request ->> 'own')::uuid),
            (request ->> 'now')::timestamptz);
        IF lock_rows THEN
            PERFORM FROM accounts_datedrule d WHERE starts_with(d.key, 'conversion.') ORDER BY d.id FOR SHARE;
        END IF;
        IF lock_rows AND request ? 'own' THEN
            -- Approved, it may complete: new units are then made under the caps of their types, from the next serial on.
            PERFORM FROM registry_issuancecap c WHERE c.unit_type_id IN (SELECT rule.to_type
                FROM accounts_jurisdiction j JOIN registry_unittype u ON u.jurisdiction_id = j.id
                    CROSS JOIN registry_conversion_rule(u.id, rules_at) rule
                WHERE j.registry_code IN (SELECT jsonb_array_elements_text(request -> 'converts')))
            ORDER BY c.id FOR NO KEY UPDATE;
            PERFORM FROM registry_unitblock b JOIN accounts_jurisdiction j ON j.id = b.origin_id
            WHERE b.end_no IS NULL AND j.registry_code IN (SELECT jsonb_array_elements_text(request -> 'converts'))
            ORDER BY b.origin_id FOR UPDATE OF b;
        END IF;
        SELECT jsonb_agg(jsonb_build_object('registry', j.registry_code, 'unit_type', u.code, 'to', rule.to_code, 'years', rule.years,
            'year', extract(year FROM (request ->> 'now')::timestamptz AT TIME ZONE j.time_zone),
            'left', (SELECT jsonb_object_agg(c.vintage, c.limit - c.issued) FROM registry_issuancecap c
                WHERE c.unit_type_id = rule.to_type AND (request ->> 'day')::date >= c.valid_from
                    AND (c.valid_to IS NULL OR (request ->> 'day')::date < c.valid_to)),
            'next_serial', (SELECT b.start_no FROM registry_unitblock b WHERE b.origin_id = j.id AND b.end_no IS NULL))) INTO found
        FROM accounts_jurisdiction j JOIN registry_unittype u ON u.jurisdiction_id = j.id
            CROSS JOIN registry_conversion_rule(u.id, rules_at) rule
        WHERE j.registry_code IN (SELECT jsonb_array_elements_text(request -> 'converts'));
        result := result || jsonb_build_object('converts', coalesce(found, '[]'));
    END IF;
    IF request ? 'original' THEN
        SELECT jsonb_build_object('id', t.id, 'type', t.type_id, 'state', t.state, 'completed_at', t.completed_at, 'quantity', t.quantity,
            'jurisdiction', j.code,
            'reversed', EXISTS (SELECT FROM registry_transaction o WHERE o.reverses_id = t.id AND o.id IS DISTINCT FROM (request ->> 'own')::uuid
                AND o.state NOT IN ('REJECTED', 'CANCELLED', 'TERMINATED')),
            'limit_days', registry_undo_limit_days(request ->> 'undoing', t.jurisdiction_id, (request ->> 'now')::timestamptz),
            'ranges', (SELECT jsonb_agg(jsonb_build_array(f.identifier, a.identifier, o.registry_code, b.first_no, b.next_no))
                FROM registry_transactionblock b JOIN accounts_jurisdiction o ON o.id = b.origin_id
                    JOIN accounts_account a ON a.id = b.to_account_id LEFT JOIN accounts_account f ON f.id = b.from_account_id
                WHERE b.transaction_id = t.id),
            'one_holder', NOT EXISTS (SELECT FROM registry_transactionblock b JOIN accounts_account a ON a.id = b.to_account_id
                JOIN accounts_account f ON f.id = b.from_account_id WHERE b.transaction_id = t.id AND f.holder_id <> a.holder_id))
        INTO found FROM registry_transaction t JOIN accounts_jurisdiction j ON j.id = t.jurisdiction_id
        WHERE t.id = (request ->> 'original')::uuid;
        result := result || jsonb_build_object('original', found);
    END IF;
    IF request ? 'cap' THEN
        IF lock_rows THEN
            SELECT * INTO cap FROM registry_issuancecap WHERE id = (request ->> 'cap')::bigint FOR NO KEY UPDATE;
        ELSE
            SELECT * INTO cap FROM registry_issuancecap WHERE id = (request ->> 'cap')::bigint;
        END IF;
        SELECT jsonb_build_object('id', cap.id, 'jurisdiction_id', u.jurisdiction_id, 'jurisdiction', j.code, 'registry', j.registry_code,
            'unit_type', u.code, 'kind', u.kind, 'vintage', cap.vintage, 'limit', cap.limit, 'issued', cap.issued,
            'valid', (request ->> 'day')::date >= cap.valid_from
                AND (cap.valid_to IS NULL OR (request ->> 'day')::date < cap.valid_to),
            'next_serial', (SELECT b.start_no FROM registry_unitblock b WHERE b.origin_id = u.jurisdiction_id AND b.end_no IS NULL))
        INTO found FROM registry_unittype u JOIN accounts_jurisdiction j ON j.id = u.jurisdiction_id WHERE u.id = cap.unit_type_id;
        result := result || jsonb_build_object('cap', found);
    END IF;
    RETURN result;
END $$;

-- A transaction that waits, under lock: its accounts, in the one order, and then its row. Its ranges in their order, by the names
-- that a proposal uses, each with what it was recorded to become. {"transaction": null} where there is none.
CREATE FUNCTION registry_waiting(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    wanted uuid := (request ->> 'transaction')::uuid;
    given registry_transaction;
    found jsonb;
    answer jsonb;
BEGIN
    PERFORM FROM accounts_account WHERE NOT retires AND id IN (
        SELECT unnest(ARRAY[t.transferring_id, t.acquiring_id]) FROM registry_transaction t WHERE t.id = wanted
        UNION SELECT unnest(ARRAY[b.from_account_id, b.to_account_id]) FROM registry_transactionblock b WHERE b.transaction_id = wanted)
    ORDER BY id FOR NO KEY UPDATE;
    SELECT * INTO given FROM registry_transaction WHERE id = wanted FOR UPDATE;
    SELECT jsonb_agg(jsonb_build_array(f.identifier, a.identifier, j.registry_code, u.code, s.vintage, b.recognition_id,
            coalesce(p.applicable_period, q.code, ''), b.first_no, b.next_no)
        ORDER BY b.id) INTO found
    FROM registry_transactionblock b JOIN accounts_jurisdiction j ON j.id = b.origin_id JOIN registry_series s ON s.id = b.series_id
        JOIN registry_unittype u ON u.id = s.unit_type_id JOIN accounts_account a ON a.id = b.to_account_id
        LEFT JOIN accounts_account f ON f.id = b.from_account_id
        LEFT JOIN registry_recognition p ON p.id = b.to_recognition_id
        LEFT JOIN registry_series o ON o.id = b.to_series_id LEFT JOIN registry_unittype q ON q.id = o.unit_type_id
    WHERE b.transaction_id = wanted AND b.made_from_id IS NULL;
    IF found IS NULL AND given.reverses_id IS NOT NULL THEN
        -- Retired units cannot be reserved; what will move is the original the other way round.
        SELECT jsonb_agg(jsonb_build_array(a.identifier, f.identifier, j.registry_code, u.code, s.vintage, b.recognition_id, '', b.first_no, b.next_no)
            ORDER BY b.id) INTO found
        FROM registry_transactionblock b JOIN accounts_jurisdiction j ON j.id = b.origin_id JOIN registry_series s ON s.id = b.series_id
            JOIN registry_unittype u ON u.id = s.unit_type_id JOIN accounts_account a ON a.id = b.to_account_id
            JOIN accounts_account f ON f.id = b.from_account_id
        WHERE b.transaction_id = given.reverses_id;
    END IF;
    SELECT to_jsonb(w) INTO answer FROM registry_answer w
    WHERE w.principal = request ->> 'principal' AND w.key = request ->> 'key';
    RETURN jsonb_build_object('answer', answer, 'transaction', CASE WHEN given.id IS NOT NULL THEN to_jsonb(given) || jsonb_build_object(
        'ranges', coalesce(found, '[]'),
        'transferring', (SELECT identifier FROM accounts_account WHERE id = given.transferring_id),
        'acquiring', (SELECT identifier FROM accounts_account WHERE id = given.acquiring_id),
        'jurisdiction', (SELECT code FROM accounts_jurisdiction WHERE id = given.jurisdiction_id)) END);
END $$;

-- The series of units about to be issued, made when it is the first of its kind.
CREATE FUNCTION registry_series_of(cap bigint, project_name text, period_name text) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found integer;
BEGIN
    INSERT INTO registry_series (origin_id, unit_type_id, vintage, project, period)
    SELECT u.jurisdiction_id, u.id, c.vintage, project_name, period_name
    FROM registry_issuancecap c JOIN registry_unittype u ON u.id = c.unit_type_id WHERE c.id = cap
    ON CONFLICT DO NOTHING;
    SELECT s.id INTO found FROM registry_series s JOIN registry_issuancecap c ON c.unit_type_id = s.unit_type_id AND c.vintage = s.vintage
    WHERE c.id = cap AND s.project = project_name AND s.period = period_name;
    RETURN found;
END $$;

-- Open the serial space of a registry: one open block from serial 1. Idempotent.
CREATE FUNCTION registry_open_serial_space(issuer bigint) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO registry_unitblock (origin_id, start_no) SELECT issuer, 1
    WHERE NOT EXISTS (SELECT FROM registry_unitblock WHERE origin_id = issuer)
    ON CONFLICT (origin_id, start_no) DO NOTHING
$$;

-- Merge like neighbours of one account: maintenance; nothing a person sees depends on how blocks happen to be cut.
CREATE FUNCTION registry_merge_neighbours(holder bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    block record;
    merged bigint := 0;
BEGIN
    PERFORM FROM accounts_account WHERE id = holder FOR NO KEY UPDATE;
    FOR block IN
        SELECT r.id, l.start_no FROM registry_unitblock r JOIN registry_unitblock l
            ON l.origin_id = r.origin_id AND l.end_no = r.start_no
        WHERE r.account_id = holder AND (l.series_id, l.issue_first, l.account_id, l.recognition_id, l.held_for, l.frozen_by)
            IS NOT DISTINCT FROM (r.series_id, r.issue_first, r.account_id, r.recognition_id, r.held_for, r.frozen_by)
        ORDER BY r.origin_id, r.start_no LOOP
        -- Going up, each right neighbour takes in what its left one has already become.
        UPDATE registry_unitblock b SET start_no =
            (SELECT l.start_no FROM registry_unitblock l WHERE l.origin_id = b.origin_id AND l.end_no = b.start_no)
        WHERE b.id = block.id;
        merged := merged + 1;
    END LOOP;
    RETURN merged;
END $$;
