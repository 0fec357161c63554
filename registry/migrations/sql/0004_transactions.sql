-- Transactions move units: a range recorded under a completed transaction moves its serials, one under an open transaction
-- reserves them. There is no other lever, so what is recorded and what moved are the same thing.

CREATE FUNCTION registry_transaction_keeps_to_its_states() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    kind registry_transactiontype;
    sender accounts_account;
    acquirer accounts_account;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'transactions are never deleted' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'UPDATE' THEN
        -- The same table as registry/rules/states.py; a test compares the two.
        IF NOT (OLD.state, NEW.state) IN (
            ('AWAITING_APPROVAL', 'DELAYED'), ('AWAITING_APPROVAL', 'PROPOSED'), ('AWAITING_APPROVAL', 'COMPLETED'),
            ('AWAITING_APPROVAL', 'REJECTED'), ('AWAITING_APPROVAL', 'CANCELLED'), ('AWAITING_APPROVAL', 'ON_HOLD'),
            ('DELAYED', 'PROPOSED'), ('DELAYED', 'COMPLETED'), ('DELAYED', 'TERMINATED'), ('DELAYED', 'CANCELLED'),
            ('DELAYED', 'ON_HOLD'), ('ON_HOLD', 'AWAITING_APPROVAL'), ('ON_HOLD', 'DELAYED'), ('ON_HOLD', 'PROPOSED'),
            ('PROPOSED', 'ACCEPTED'), ('PROPOSED', 'TERMINATED'), ('PROPOSED', 'CANCELLED'), ('PROPOSED', 'ON_HOLD'),
            ('ACCEPTED', 'COMPLETED')) THEN
            RAISE EXCEPTION 'a transaction does not go from % to %', OLD.state, NEW.state
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF (to_jsonb(NEW) - 'state' - 'completed_at') <> (to_jsonb(OLD) - 'state' - 'completed_at') THEN
            RAISE EXCEPTION 'only the state of a transaction changes' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.state NOT IN ('AWAITING_APPROVAL', 'DELAYED', 'PROPOSED', 'COMPLETED') THEN
        RAISE EXCEPTION 'a transaction does not begin %', NEW.state USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    NEW.recorded_in := pg_current_xact_id();
    SELECT * INTO kind FROM registry_transactiontype WHERE code = NEW.type_id;
    SELECT * INTO acquirer FROM accounts_account WHERE id = NEW.acquiring_id;
    SELECT * INTO sender FROM accounts_account WHERE id = NEW.transferring_id;
    IF (kind.effect = 'mint') <> (NEW.transferring_id IS NULL) OR kind.needs_obligation <> (NEW.obligation_id IS NOT NULL)
            OR kind.needs_allocation <> (NEW.allocation_id IS NOT NULL)
            OR kind.needs_original <> (NEW.reverses_id IS NOT NULL) THEN
        RAISE EXCEPTION 'a transaction of type % lacks what its type needs', NEW.type_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF acquirer.jurisdiction_id <> NEW.jurisdiction_id AND kind.within_one_registry
            OR sender.jurisdiction_id <> NEW.jurisdiction_id THEN
        RAISE EXCEPTION 'a transaction of type % stays in one registry', NEW.type_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER transactions_keep_to_their_states BEFORE INSERT OR UPDATE OR DELETE ON registry_transaction
    FOR EACH ROW EXECUTE FUNCTION registry_transaction_keeps_to_its_states();

-- Issue [first_no, next_no): cut it from the open block and make units of it.
CREATE FUNCTION registry_mint(part registry_transactionblock) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    open_block registry_unitblock;
    cap bigint;
BEGIN
    SELECT * INTO open_block FROM registry_unitblock WHERE origin_id = part.origin_id AND end_no IS NULL FOR UPDATE;
    IF open_block.start_no IS DISTINCT FROM part.first_no THEN
        RAISE EXCEPTION 'serials are issued in order: next is %', open_block.start_no USING ERRCODE = 'serialization_failure';
    END IF;
    SELECT t.cap_id INTO cap FROM registry_transaction t JOIN registry_issuancecap c ON c.id = t.cap_id
        JOIN registry_series s ON s.unit_type_id = c.unit_type_id AND s.vintage = c.vintage AND s.id = part.series_id
    WHERE t.id = part.transaction_id AND t.jurisdiction_id = part.origin_id
        AND (t.completed_at AT TIME ZONE 'UTC')::date >= c.valid_from
        AND coalesce((t.completed_at AT TIME ZONE 'UTC')::date < c.valid_to, true);
    IF cap IS NULL OR part.recognition_id <> 0 THEN
        RAISE EXCEPTION 'units are issued at home, under a cap of their own type and vintage that is in force'
            USING ERRCODE = 'integrity_constraint_violation';
    ELSIF (SELECT a.status = 'CLOSED' FROM accounts_account a WHERE a.id = part.to_account_id FOR SHARE) THEN
        RAISE EXCEPTION 'a closed account holds nothing' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    INSERT INTO registry_issue VALUES
        (part.origin_id, part.first_no, part.next_no, part.series_id, cap, part.transaction_id);
    UPDATE registry_unitblock SET start_no = part.next_no WHERE id = open_block.id;
    UPDATE registry_unitblock SET series_id = part.series_id, issue_first = part.first_no, issue_next = part.next_no,
        account_id = part.to_account_id, retired = false, recognition_id = part.recognition_id
    WHERE origin_id = part.origin_id AND start_no = part.first_no;
END $$;

-- Give the serials of a range a new holder, or a reservation, from the highest down. `from_hold` is the transaction that
-- may already have reserved them; `to_hold` the one that reserves them now (both null: a plain move).
CREATE FUNCTION registry_rehouse(part registry_transactionblock, to_account bigint, from_hold uuid, to_hold uuid)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    upto bigint := part.next_no;
    piece registry_unitblock;
    retires_units boolean;
    closed boolean;
BEGIN
    -- Shared, so that many fill one sink at once; it keeps the account from being closed until they have ended.
    SELECT a.retires, a.status = 'CLOSED' INTO retires_units, closed FROM accounts_account a WHERE a.id = to_account FOR SHARE;
    IF closed THEN
        RAISE EXCEPTION 'a closed account holds nothing' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    WHILE upto > part.first_no LOOP
        SELECT * INTO piece FROM registry_unitblock
        WHERE origin_id = part.origin_id AND start_no < upto ORDER BY start_no DESC LIMIT 1 FOR UPDATE;
        IF piece.account_id IS DISTINCT FROM part.from_account_id OR piece.series_id <> part.series_id
                OR piece.recognition_id <> part.recognition_id OR piece.held_for IS DISTINCT FROM from_hold
                OR piece.end_no < upto THEN
            RAISE EXCEPTION 'the serials from % are not as they were decided', piece.start_no
                USING ERRCODE = 'serialization_failure';
        END IF;
        IF piece.end_no > upto THEN
            UPDATE registry_unitblock SET start_no = upto WHERE id = piece.id;
            CONTINUE;
        END IF;
        UPDATE registry_unitblock SET start_no = greatest(piece.start_no, part.first_no), account_id = to_account,
            retired = retires_units, held_for = to_hold
        WHERE id = piece.id;
        upto := greatest(piece.start_no, part.first_no);
    END LOOP;
END $$;

CREATE FUNCTION registry_range_takes_effect(part registry_transactionblock) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    parent registry_transaction;
    kind registry_transactiontype;
    from_type text;
    to_type text;
BEGIN
    SELECT * INTO parent FROM registry_transaction WHERE id = part.transaction_id;
    SELECT * INTO kind FROM registry_transactiontype WHERE code = parent.type_id;
    IF parent.recorded_in <> pg_current_xact_id() THEN
        RAISE EXCEPTION 'the ranges of a transaction are recorded with it' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT type_id INTO from_type FROM accounts_account WHERE id = part.from_account_id AND jurisdiction_id = parent.jurisdiction_id;
    SELECT type_id INTO to_type FROM accounts_account WHERE id = part.to_account_id
        AND (jurisdiction_id = parent.jurisdiction_id OR NOT kind.within_one_registry);
    IF to_type IS NULL OR NOT to_type = ANY (kind.to_types)
            OR (kind.effect = 'mint') <> (part.from_account_id IS NULL)
            OR (part.from_account_id IS NOT NULL AND (from_type IS NULL OR NOT from_type = ANY (kind.from_types))) THEN
        RAISE EXCEPTION 'a transaction of type % does not go from % to %', parent.type_id, from_type, to_type
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF parent.obligation_id IS NOT NULL OR parent.allocation_id IS NOT NULL THEN
        PERFORM registry_range_fits_its_record(part, parent);
    END IF;
    IF kind.effect = 'mint' THEN
        IF parent.state <> 'COMPLETED' THEN
            RAISE EXCEPTION 'units are issued by a completed transaction' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        PERFORM registry_mint(part);
    ELSIF parent.state = 'COMPLETED' THEN
        PERFORM registry_rehouse(part, part.to_account_id, NULL, NULL);
    ELSE
        PERFORM registry_rehouse(part, part.from_account_id, NULL, part.transaction_id);
    END IF;
END $$;

CREATE FUNCTION registry_ranges_take_effect() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    part registry_transactionblock;
    full_id uuid;
BEGIN
    FOR part IN SELECT * FROM added ORDER BY id LOOP
        PERFORM registry_range_takes_effect(part);
    END LOOP;
    -- At once: a deferred check is done with after SET CONSTRAINTS ... IMMEDIATE and would not see a later range.
    SELECT t.id INTO full_id FROM registry_transaction t WHERE t.id IN (SELECT transaction_id FROM added)
        AND t.quantity < (SELECT sum(b.next_no - b.first_no) FROM registry_transactionblock b WHERE b.transaction_id = t.id);
    IF FOUND THEN
        RAISE EXCEPTION 'the ranges of transaction % are more than its quantity', full_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ranges_take_effect AFTER INSERT ON registry_transactionblock REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION registry_ranges_take_effect();

-- History is read in the order of the ranges' ids, so nobody chooses one.
CREATE FUNCTION registry_range_is_numbered_in_turn() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ranges are numbered by the database, in turn' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER ranges_are_numbered_in_turn BEFORE INSERT ON registry_transactionblock FOR EACH ROW
    WHEN (NEW.id <> currval('registry_transactionblock_id_seq')) EXECUTE FUNCTION registry_range_is_numbered_in_turn();

-- A transaction that ends: completed ones move what they reserved, the others release it.
CREATE FUNCTION registry_transaction_ends() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    part registry_transactionblock;
BEGIN
    IF NEW.state = OLD.state OR NEW.state NOT IN ('COMPLETED', 'REJECTED', 'CANCELLED', 'TERMINATED') THEN
        RETURN NULL;
    END IF;
    FOR part IN SELECT * FROM registry_transactionblock WHERE transaction_id = NEW.id
            ORDER BY to_account_id, series_id, recognition_id, origin_id, first_no LOOP
        PERFORM registry_rehouse(part, CASE NEW.state WHEN 'COMPLETED' THEN part.to_account_id ELSE part.from_account_id END,
            NEW.id, NULL);
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER transactions_end AFTER UPDATE OF state ON registry_transaction
    FOR EACH ROW EXECUTE FUNCTION registry_transaction_ends();

CREATE FUNCTION registry_quantity_equals_its_ranges() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    total bigint;
    named boolean;
BEGIN
    SELECT sum(next_no - first_no),
        bool_or((from_account_id, to_account_id) IS NOT DISTINCT FROM (NEW.transferring_id, NEW.acquiring_id))
    INTO total, named FROM registry_transactionblock WHERE transaction_id = NEW.id;
    IF total IS DISTINCT FROM NEW.quantity THEN
        RAISE EXCEPTION 'transaction % says % units, its ranges %', NEW.id, NEW.quantity, total
            USING ERRCODE = 'integrity_constraint_violation';
    ELSIF NOT named THEN
        RAISE EXCEPTION 'transaction % moves nothing between the accounts it names', NEW.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER quantity_equals_its_ranges AFTER INSERT ON registry_transaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION registry_quantity_equals_its_ranges();

-- A closed account holds nothing; accounts know nothing of units, so this rule stands here. Whoever moves units shares a lock on
-- the acquiring account, so this looks after they have ended; an older snapshot would not see what they brought.
CREATE FUNCTION registry_closed_account_is_empty() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'an account is closed in a READ COMMITTED transaction' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF EXISTS (SELECT FROM registry_holding WHERE account_id = NEW.id AND quantity > 0) THEN
        RAISE EXCEPTION 'account % holds units and is not closed', NEW.identifier USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER closed_accounts_are_empty BEFORE UPDATE OF status ON accounts_account
    FOR EACH ROW WHEN (NEW.status = 'CLOSED') EXECUTE FUNCTION registry_closed_account_is_empty();
