BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0008');
CREATE TABLE audit (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at BIGINT NOT NULL, 
	actor VARCHAR(128) NOT NULL, 
	action VARCHAR(64) NOT NULL, 
	subject VARCHAR(256) NOT NULL, 
	reason TEXT NOT NULL, 
	details JSON NOT NULL
);
CREATE TABLE campaign_periods (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	campaign VARCHAR(64) NOT NULL, 
	begins BIGINT NOT NULL, 
	ends BIGINT, 
	"by" VARCHAR(128) NOT NULL, 
	reason TEXT NOT NULL
);
CREATE TABLE devices (
	sub VARCHAR(64) NOT NULL, 
	activated_at BIGINT, 
	activation_territory VARCHAR(8), 
	sale_region VARCHAR(64) NOT NULL, 
	model VARCHAR(128), 
	last_serial BIGINT NOT NULL, 
	locks_at BIGINT, 
	override_decision VARCHAR(16), 
	override_reason VARCHAR(128), 
	override_case VARCHAR(64), 
	override_at BIGINT, first_seen BIGINT, last_seen BIGINT, batch VARCHAR(128), distributor VARCHAR(128), next_decision VARCHAR(16), next_reason VARCHAR(128), next_case VARCHAR(64), next_at BIGINT, 
	PRIMARY KEY (sub)
);
CREATE TABLE faults (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	kind VARCHAR(32) NOT NULL, 
	route VARCHAR(16) NOT NULL, 
	device VARCHAR(64), 
	count BIGINT NOT NULL, 
	used BIGINT NOT NULL, 
	probability FLOAT NOT NULL, 
	delay BIGINT, 
	status INTEGER, 
	retry_after BIGINT, 
	created BIGINT NOT NULL
);
CREATE TABLE idempotent_answers (
	"key" VARCHAR(256) NOT NULL, 
	request VARCHAR(128) NOT NULL, 
	status INTEGER NOT NULL, 
	headers JSON NOT NULL, 
	body BLOB NOT NULL, 
	until BIGINT NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TABLE policies_in_force (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	policy_id VARCHAR(64) NOT NULL, 
	version BIGINT NOT NULL, 
	since BIGINT NOT NULL, 
	"by" VARCHAR(128) NOT NULL, 
	reason TEXT NOT NULL
);
CREATE TABLE policy_versions (
	policy_id VARCHAR(64) NOT NULL, 
	version BIGINT NOT NULL, 
	text TEXT NOT NULL, 
	put_at BIGINT NOT NULL, 
	put_by VARCHAR(128) NOT NULL, 
	PRIMARY KEY (policy_id, version)
);
CREATE TABLE repository_files (
	name VARCHAR(128) NOT NULL, 
	content BLOB NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE server_state (
	id INTEGER NOT NULL, 
	revision BIGINT NOT NULL, 
	admin_token_hash VARCHAR(256), unattested_serial BIGINT DEFAULT 0 NOT NULL, kept_from BIGINT DEFAULT 0 NOT NULL, test_clock BIGINT, clock_after BIGINT DEFAULT 0 NOT NULL, probe BLOB, expectations TEXT, publication BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "server_state" VALUES(1,0,NULL,0,0,NULL,0,NULL,NULL,0);
CREATE TABLE shipments (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	tac VARCHAR(8) NOT NULL, 
	first INTEGER NOT NULL, 
	last INTEGER NOT NULL, 
	batch VARCHAR(128) NOT NULL, 
	distributor VARCHAR(128) NOT NULL, 
	sale_region VARCHAR(64) NOT NULL, 
	model VARCHAR(128) NOT NULL
);
CREATE TABLE spent_nonces (
	nonce BLOB NOT NULL, 
	until BIGINT NOT NULL, 
	PRIMARY KEY (nonce)
);
CREATE TABLE verdicts (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	jti VARCHAR(64) NOT NULL, 
	sub VARCHAR(64) NOT NULL, 
	serial BIGINT NOT NULL, 
	iat BIGINT NOT NULL, 
	exp BIGINT NOT NULL, 
	decision VARCHAR(16) NOT NULL, 
	reason VARCHAR(64) NOT NULL, 
	territory VARCHAR(8), 
	policy_id VARCHAR(64) NOT NULL, 
	policy_version BIGINT NOT NULL, 
	rule VARCHAR(64) NOT NULL, 
	trust VARCHAR(16) NOT NULL, 
	identity VARCHAR(16) NOT NULL, 
	case_number VARCHAR(64), 
	jkt VARCHAR(43) NOT NULL, 
	token_digest VARCHAR(64) NOT NULL, 
	inputs JSON NOT NULL, 
	appraisal JSON NOT NULL, 
	judgement JSON NOT NULL, claims JSON, inputs_pruned_at BIGINT, 
	UNIQUE (sub, serial), 
	UNIQUE (jti)
);
CREATE INDEX spent_nonces_until ON spent_nonces (until);
CREATE INDEX shipments_range ON shipments (tac, first);
CREATE INDEX idempotent_answers_until ON idempotent_answers (until);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER policies_in_force_no_update BEFORE UPDATE ON policies_in_force BEGIN SELECT RAISE(ABORT, 'policies_in_force is append-only'); END;
CREATE TRIGGER policies_in_force_no_delete BEFORE DELETE ON policies_in_force BEGIN SELECT RAISE(ABORT, 'policies_in_force is append-only'); END;
CREATE TRIGGER policies_in_force_no_replace BEFORE INSERT ON policies_in_force WHEN EXISTS (SELECT 1 FROM policies_in_force WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'policies_in_force is append-only'); END;
CREATE TRIGGER campaign_periods_no_update BEFORE UPDATE ON campaign_periods BEGIN SELECT RAISE(ABORT, 'campaign_periods is append-only'); END;
CREATE TRIGGER campaign_periods_no_delete BEFORE DELETE ON campaign_periods BEGIN SELECT RAISE(ABORT, 'campaign_periods is append-only'); END;
CREATE TRIGGER campaign_periods_no_replace BEFORE INSERT ON campaign_periods WHEN EXISTS (SELECT 1 FROM campaign_periods WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'campaign_periods is append-only'); END;
CREATE TRIGGER verdicts_no_replace BEFORE INSERT ON verdicts WHEN EXISTS (SELECT 1 FROM verdicts WHERE id = NEW.id OR jti = NEW.jti OR (sub = NEW.sub AND serial = NEW.serial)) BEGIN SELECT RAISE(ABORT, 'verdict records are append-only'); END;
CREATE TRIGGER policy_versions_fixed BEFORE UPDATE ON policy_versions WHEN NEW.text <> OLD.text AND EXISTS (SELECT 1 FROM policies_in_force AS known WHERE known.policy_id = OLD.policy_id AND known.version = OLD.version) BEGIN SELECT RAISE(ABORT, 'a policy that has been in force stays as it was'); END;
CREATE INDEX verdicts_unpruned ON verdicts (iat, id) WHERE inputs_pruned_at IS NULL;
CREATE INDEX audit_at ON audit (at, id);
CREATE TRIGGER verdicts_no_update BEFORE UPDATE ON verdicts WHEN NOT (OLD.inputs_pruned_at IS NULL AND NEW.inputs_pruned_at IS NOT NULL AND OLD.iat < (SELECT kept_from FROM server_state) AND NEW.inputs = '{}' AND NEW.appraisal = '{}' AND NEW.judgement = '{}' AND NEW.claims IS NULL AND (NEW.id, NEW.jti, NEW.sub, NEW.serial, NEW.iat, NEW.exp, NEW.decision, NEW.reason, NEW.territory, NEW.policy_id, NEW.policy_version, NEW.rule, NEW.trust, NEW.identity, NEW.case_number, NEW.jkt, NEW.token_digest) IS (OLD.id, OLD.jti, OLD.sub, OLD.serial, OLD.iat, OLD.exp, OLD.decision, OLD.reason, OLD.territory, OLD.policy_id, OLD.policy_version, OLD.rule, OLD.trust, OLD.identity, OLD.case_number, OLD.jkt, OLD.token_digest)) BEGIN SELECT RAISE(ABORT, 'verdict records are append-only'); END;
CREATE TRIGGER verdicts_no_delete BEFORE DELETE ON verdicts WHEN NOT (OLD.iat < (SELECT kept_from FROM server_state) AND NOT EXISTS (SELECT 1 FROM devices WHERE devices.sub = OLD.sub)) BEGIN SELECT RAISE(ABORT, 'verdict records are append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit WHEN NOT (OLD.at < (SELECT kept_from FROM server_state)) BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
DELETE FROM "sqlite_sequence";
COMMIT;
