-- Days are recorded and never changed, by the owner neither; the records of a day follow each other in time. The jurisdiction's
-- row is locked, so that two records of a day made side by side do not both call themselves the later one.
CREATE FUNCTION accounts_refuse_change_of_a_day() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'a recorded day is never changed: record the day anew' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER calendar_days_never_change BEFORE UPDATE OR DELETE ON accounts_calendarday
    FOR EACH ROW EXECUTE FUNCTION accounts_refuse_change_of_a_day();
CREATE TRIGGER calendar_days_are_never_emptied BEFORE TRUNCATE ON accounts_calendarday
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_refuse_change_of_a_day();

CREATE FUNCTION accounts_calendar_days_are_recorded_in_order() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM accounts_jurisdiction WHERE id = NEW.jurisdiction_id FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM accounts_calendarday d WHERE d.jurisdiction_id = NEW.jurisdiction_id AND d.day = NEW.day
               AND d.recorded_at >= NEW.recorded_at) THEN
        RAISE EXCEPTION 'a later record of this day exists' USING ERRCODE = 'integrity_constraint_violation',
            CONSTRAINT = 'calendar_days_are_recorded_in_order';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER calendar_days_are_recorded_in_order BEFORE INSERT ON accounts_calendarday
    FOR EACH ROW EXECUTE FUNCTION accounts_calendar_days_are_recorded_in_order();

GRANT SELECT, INSERT ON accounts_calendarday TO registry_application;
GRANT SELECT ON accounts_calendarday TO registry_auditor;
