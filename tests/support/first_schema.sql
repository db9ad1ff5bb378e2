-- A SQLite database of a server from before the migrations, with one phone, one verdict and one spent nonce.
CREATE TABLE devices (
    sub VARCHAR(64) NOT NULL, activated_at BIGINT, activation_territory VARCHAR(8), sale_region VARCHAR(64) NOT NULL,
    model VARCHAR(128), last_serial BIGINT NOT NULL, locks_at BIGINT, override_decision VARCHAR(16),
    override_reason VARCHAR(128), override_case VARCHAR(64), override_at BIGINT, PRIMARY KEY (sub)
);
CREATE TABLE verdicts (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, jti VARCHAR(64) NOT NULL, sub VARCHAR(64) NOT NULL,
    serial BIGINT NOT NULL, iat BIGINT NOT NULL, exp BIGINT NOT NULL, decision VARCHAR(16) NOT NULL,
    reason VARCHAR(64) NOT NULL, territory VARCHAR(8), policy_id VARCHAR(64) NOT NULL, policy_version BIGINT NOT NULL,
    rule VARCHAR(64) NOT NULL, trust VARCHAR(16) NOT NULL, identity VARCHAR(16) NOT NULL, case_number VARCHAR(64),
    jkt VARCHAR(43) NOT NULL, token_digest VARCHAR(64) NOT NULL, inputs JSON NOT NULL, appraisal JSON NOT NULL,
    judgement JSON NOT NULL, UNIQUE (sub, serial), UNIQUE (jti)
);
CREATE INDEX ix_verdicts_iat ON verdicts (iat);
CREATE TRIGGER verdicts_no_update BEFORE UPDATE ON verdicts
    BEGIN SELECT RAISE(ABORT, 'verdict records are append-only'); END;
CREATE TRIGGER verdicts_no_delete BEFORE DELETE ON verdicts
    BEGIN SELECT RAISE(ABORT, 'verdict records are append-only'); END;
CREATE TABLE spent_nonces (nonce BLOB NOT NULL, until BIGINT NOT NULL, PRIMARY KEY (nonce));
CREATE INDEX spent_nonces_until ON spent_nonces (until);
