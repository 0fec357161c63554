-- The link's tables. A link joins two registries and has two corridors, one for each direction: what the destination recognises of the
-- origin's units. Everything that binds somebody is an instrument, signed by two administrators of each side that must sign; the last
-- signature concludes it, and 0001_signing.sql then writes what it says. Nobody writes that by hand.

CREATE TABLE linking_link (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    first_id bigint NOT NULL REFERENCES accounts_jurisdiction (id),
    second_id bigint NOT NULL REFERENCES accounts_jurisdiction (id),
    degree text NOT NULL DEFAULT 'none' CONSTRAINT degree_is_known
        CHECK (degree IN ('none', 'indirect', 'incremental', 'unilateral', 'restricted', 'reciprocal', 'formal')),
    -- The one corridor that is open at `unilateral`.
    open_corridor_id bigint,
    CONSTRAINT link_joins_two_registries CHECK (first_id < second_id),
    CONSTRAINT two_registries_have_one_link UNIQUE (first_id, second_id)
);

CREATE TABLE linking_corridor (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    link_id bigint NOT NULL REFERENCES linking_link (id),
    origin_id bigint NOT NULL REFERENCES accounts_jurisdiction (id),
    destination_id bigint NOT NULL REFERENCES accounts_jurisdiction (id),
    suspended_by_origin boolean NOT NULL DEFAULT false,
    suspended_by_destination boolean NOT NULL DEFAULT false,
    CONSTRAINT corridor_leads_elsewhere CHECK (origin_id <> destination_id),
    CONSTRAINT one_corridor_for_each_direction UNIQUE (origin_id, destination_id)
) WITH (fillfactor = 80);
ALTER TABLE linking_link ADD CONSTRAINT open_corridor_is_there FOREIGN KEY (open_corridor_id) REFERENCES linking_corridor (id);

-- What people sign: canonical JSON, with its digest. `side_id`: who alone signs; null: both sides.
CREATE TABLE linking_instrument (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CONSTRAINT instrument_is_of_a_kind
        CHECK (kind IN ('terms', 'leave', 'raise', 'lower', 'mechanisms', 'resume', 'delink')),
    link_id bigint NOT NULL REFERENCES linking_link (id),
    corridor_id bigint REFERENCES linking_corridor (id),
    side_id bigint REFERENCES accounts_jurisdiction (id),
    document text NOT NULL,
    content jsonb NOT NULL,
    digest text NOT NULL,
    proposed_by_id bigint NOT NULL REFERENCES accounts_user (id),
    proposed_at timestamptz NOT NULL,
    concluded_at timestamptz,
    withdrawn_at timestamptz,
    withdrawn_by_id bigint REFERENCES accounts_user (id),
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT instrument_ends_one_way CHECK (num_nonnulls(concluded_at, withdrawn_at) <= 1
        AND num_nonnulls(withdrawn_at, withdrawn_by_id) IN (0, 2)),
    CONSTRAINT times_are_of_this_age CHECK (proposed_at >= '1990-01-01Z' AND greatest(proposed_at, concluded_at, withdrawn_at) < '9000-01-01Z')
);
CREATE INDEX instruments_of_a_link ON linking_instrument (link_id, id);

CREATE TABLE linking_signature (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instrument_id bigint NOT NULL REFERENCES linking_instrument (id),
    jurisdiction_id bigint NOT NULL REFERENCES accounts_jurisdiction (id),
    user_id bigint NOT NULL REFERENCES accounts_user (id),
    at timestamptz NOT NULL,
    CONSTRAINT a_person_signs_once UNIQUE (instrument_id, user_id)
);
CREATE INDEX signatures_of_a_person ON linking_signature (user_id);

-- A version of a corridor's terms: in force in [effective_from, superseded_at). What was proposed under it may complete until
-- `last_settlement_at`, and then ends with 6007.
CREATE TABLE linking_agreement (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    corridor_id bigint NOT NULL REFERENCES linking_corridor (id),
    version integer NOT NULL,
    instrument_id bigint NOT NULL UNIQUE REFERENCES linking_instrument (id),
    terms jsonb NOT NULL,
    digest text NOT NULL,
    effective_from timestamptz NOT NULL,
    superseded_at timestamptz,
    last_settlement_at timestamptz,
    CONSTRAINT versions_are_counted UNIQUE (corridor_id, version),
    CONSTRAINT agreement_is_settled_after_its_end CHECK ((superseded_at IS NULL) = (last_settlement_at IS NULL)
        AND superseded_at >= effective_from AND last_settlement_at >= superseded_at),
    CONSTRAINT one_agreement_at_a_time EXCLUDE USING gist (corridor_id WITH =, tstzrange(effective_from, superseded_at) WITH &&)
);

-- The origin's own consent that its units may leave by a corridor. Units of 1 t CO2e a year; null: no limit.
CREATE TABLE linking_leave (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    corridor_id bigint NOT NULL REFERENCES linking_corridor (id),
    instrument_id bigint NOT NULL UNIQUE REFERENCES linking_instrument (id),
    "limit" bigint CONSTRAINT leave_is_not_negative CHECK ("limit" >= 0),
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    CONSTRAINT leave_is_for_a_time CHECK (valid_from <= valid_to),
    CONSTRAINT one_leave_at_a_time EXCLUDE USING gist (corridor_id WITH =, tstzrange(valid_from, valid_to) WITH &&)
);

CREATE TABLE linking_suspension (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    corridor_id bigint NOT NULL REFERENCES linking_corridor (id),
    side_id bigint NOT NULL REFERENCES accounts_jurisdiction (id),
    by_id bigint NOT NULL REFERENCES accounts_user (id),
    at timestamptz NOT NULL,
    reason text NOT NULL CONSTRAINT suspension_has_a_reason CHECK (reason <> ''),
    resumed_at timestamptz CONSTRAINT suspension_ends_later CHECK (resumed_at >= at),
    resume_instrument_id bigint REFERENCES linking_instrument (id),
    CONSTRAINT resumed_by_an_instrument CHECK (num_nonnulls(resumed_at, resume_instrument_id) IN (0, 2))
);
CREATE UNIQUE INDEX a_side_suspends_once ON linking_suspension (corridor_id, side_id) WHERE resumed_at IS NULL;

-- What a step to a higher degree asks for; a copy of linking/rules/degrees.py, compared by a test.
CREATE TABLE linking_degreecondition (
    step text NOT NULL,
    code text PRIMARY KEY,
    -- Both sides, one of the corridor concerned, or the registry, which computes it.
    ticked_by text NOT NULL CONSTRAINT somebody_ticks CHECK (ticked_by IN ('both', 'origin', 'destination', 'system')),
    valid_days integer
);
INSERT INTO linking_degreecondition (step, code, ticked_by, valid_days) VALUES
    ('indirect', 'mechanism-listed', 'both', NULL), ('indirect', 'mechanism-quota-set', 'both', NULL),
    ('incremental', 'contacts-named', 'both', 365), ('incremental', 'data-exchange-agreed', 'both', NULL),
    ('incremental', 'confidentiality-agreed', 'both', NULL), ('incremental', 'readiness-compared', 'both', 365),
    ('unilateral', 'nothing-blocks', 'system', NULL), ('unilateral', 'verifiers-accepted', 'destination', 730),
    ('unilateral', 'drill-done', 'both', 365), ('unilateral', 'leave-signed', 'system', NULL), ('unilateral', 'terms-in-force', 'system', NULL),
    ('restricted', 'restriction-agreed', 'system', NULL), ('restricted', 'flows-reported', 'both', 365),
    ('reciprocal', 'both-corridors-in-force', 'system', NULL), ('reciprocal', 'both-leaves-signed', 'system', NULL),
    ('reciprocal', 'flows-reviewed', 'both', 365), ('formal', 'instrument-named', 'both', NULL), ('formal', 'one-to-one', 'system', NULL),
    ('formal', 'no-quota', 'system', NULL);
CREATE TABLE linking_condition (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    link_id bigint NOT NULL REFERENCES linking_link (id),
    code text NOT NULL REFERENCES linking_degreecondition (code),
    side_id bigint NOT NULL REFERENCES accounts_jurisdiction (id),
    ticked_by_id bigint NOT NULL REFERENCES accounts_user (id),
    ticked_at timestamptz NOT NULL,
    evidence text NOT NULL CONSTRAINT condition_has_evidence CHECK (evidence <> ''),
    expires_at timestamptz CONSTRAINT condition_expires_later CHECK (expires_at > ticked_at)
);
CREATE INDEX conditions_of_a_link ON linking_condition (link_id, code, side_id, id DESC);

CREATE TABLE linking_degreechange (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    link_id bigint NOT NULL REFERENCES linking_link (id),
    from_degree text NOT NULL,
    to_degree text NOT NULL,
    instrument_id bigint NOT NULL UNIQUE REFERENCES linking_instrument (id),
    at timestamptz NOT NULL
);

-- Units of a common mechanism, listed by both sides: they cross from the degree `indirect` on.
CREATE TABLE linking_mechanismunit (
    link_id bigint NOT NULL REFERENCES linking_link (id),
    unit_type_id bigint NOT NULL REFERENCES registry_unittype (id),
    PRIMARY KEY (link_id, unit_type_id)
);

-- The end of a corridor: after its notice nothing enters, and what is abroad follows the policy of the terms that it came by.
CREATE TABLE linking_delinking (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    corridor_id bigint NOT NULL REFERENCES linking_corridor (id),
    instrument_id bigint NOT NULL REFERENCES linking_instrument (id),
    noticed_at timestamptz NOT NULL,
    takes_effect_at timestamptz NOT NULL CONSTRAINT delinking_follows_its_notice CHECK (takes_effect_at >= noticed_at),
    CONSTRAINT a_corridor_is_delinked_once UNIQUE (corridor_id, noticed_at)
);

-- Quotas: one row each. `year`: the calendar year in the destination's zone; 0: the corridor's whole life. `limit` null: there is none.
-- entry, leave, vintage, holder: what came in by the corridor less what went home. net-flow: the same, against the opposite corridor.
-- reserve: what a rate above one adds to the tonnes that came in, against the units set aside to cover it.
-- use: recognised tonnes surrendered for an obligation, by a node of the tree that limits them.
CREATE TABLE linking_quota (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CONSTRAINT quota_is_of_a_kind CHECK (kind IN ('entry', 'leave', 'vintage', 'holder', 'net-flow', 'reserve', 'use')),
    corridor_id bigint REFERENCES linking_corridor (id),
    year smallint NOT NULL CONSTRAINT quota_is_for_a_year CHECK (year = 0 OR year BETWEEN 1990 AND 2200),
    vintage smallint,
    holder_id bigint REFERENCES accounts_holder (id),
    obligation_id bigint REFERENCES registry_obligation (id),
    node text,
    "limit" bigint CONSTRAINT quota_is_not_negative CHECK ("limit" >= 0),
    reserved bigint NOT NULL DEFAULT 0,
    used bigint NOT NULL DEFAULT 0,
    CONSTRAINT quota_is_there_once UNIQUE NULLS NOT DISTINCT (kind, corridor_id, year, vintage, holder_id, obligation_id, node),
    CONSTRAINT quota_is_taken_from_above_nothing CHECK (reserved >= 0 AND used >= 0),
    CONSTRAINT quota_is_of_one_thing CHECK ((kind = 'use') = (corridor_id IS NULL) AND (kind = 'use') = (obligation_id IS NOT NULL)
        AND (kind = 'use') = (node IS NOT NULL) AND (kind = 'vintage') = (vintage IS NOT NULL) AND (kind = 'holder') = (holder_id IS NOT NULL))
) WITH (fillfactor = 50);

-- What a transaction takes from a quota or gives back to it; reserved while it waits.
CREATE TABLE linking_quotause (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id uuid NOT NULL REFERENCES registry_transaction (id),
    quota_id bigint NOT NULL REFERENCES linking_quota (id),
    way text NOT NULL CONSTRAINT quota_is_taken_or_given_back CHECK (way IN ('take', 'back')),
    units bigint NOT NULL CONSTRAINT quota_use_is_positive CHECK (units > 0)
);
CREATE INDEX uses_of_a_transaction ON linking_quotause (transaction_id);
CREATE INDEX uses_of_a_quota ON linking_quotause (quota_id, id);

-- The atmospheric margin of what was surrendered abroad: of every obligation, issuer and rate, what the units are at home less what
-- they count here. `pooled`: units of it that lie in the margin account; the rest is retired with the others.
CREATE TABLE linking_margin (
    obligation_id bigint NOT NULL REFERENCES registry_obligation (id),
    origin_id bigint NOT NULL REFERENCES accounts_jurisdiction (id),
    rate_numerator bigint NOT NULL,
    rate_denominator bigint NOT NULL,
    quantity bigint NOT NULL,
    value bigint NOT NULL,
    margin bigint NOT NULL,
    pooled bigint NOT NULL,
    PRIMARY KEY (obligation_id, origin_id, rate_numerator, rate_denominator),
    CONSTRAINT margin_is_booked CHECK (quantity >= 0 AND quantity = value + margin
        AND value = div(quantity::numeric * rate_numerator, rate_denominator) AND pooled BETWEEN 0 AND quantity)
) WITH (fillfactor = 50);
