-- The database's own copy of accounts/rules/account_types.py, which constraints and the ledger's functions read.
INSERT INTO accounts_accounttype (code, retires, administrative, standing) VALUES
    ('ISS', false, true,  'held'),         -- issuance
    ('ALL', false, true,  'held'),         -- allocation
    ('AUC', false, true,  'held'),         -- auction
    ('RES', false, true,  'held'),         -- reserve
    ('SUR', true,  true,  'surrendered'),  -- surrender
    ('CAN', true,  true,  'cancelled'),    -- voluntary cancellation
    ('MCN', true,  true,  'cancelled'),    -- mandatory cancellation
    ('LAP', true,  true,  'lapsed'),       -- lapsed units
    ('LNK', false, true,  'held'),         -- link escrow, one per link
    ('MRG', false, true,  'held'),         -- link margin
    ('OHA', false, false, 'held'),         -- operator holding account
    ('TRA', false, false, 'held'),         -- trading account
    ('EXS', false, false, 'held');         -- exchange settlement account

-- An account retires units exactly when its type does; what moves into it is marked retired by that.
ALTER TABLE accounts_account ADD CONSTRAINT account_retires_as_its_type
    FOREIGN KEY (type_id, retires) REFERENCES accounts_accounttype (code, retires);

-- An account and its installation are of one jurisdiction.
ALTER TABLE accounts_installation ADD CONSTRAINT installation_is_of_one_jurisdiction UNIQUE (id, jurisdiction_id);
ALTER TABLE accounts_account ADD CONSTRAINT installation_is_of_the_same_jurisdiction
    FOREIGN KEY (installation_id, jurisdiction_id) REFERENCES accounts_installation (id, jurisdiction_id);
