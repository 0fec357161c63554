-- Rules are exact: a number in a rule is an integer; a ratio or price is the text of its decimal.
ALTER TABLE accounts_datedrule ADD CONSTRAINT rule_has_no_fractional_number CHECK (
    NOT jsonb_path_exists(value, 'strict $.** ? (@.type() == "number" && @ != @.floor())'));
