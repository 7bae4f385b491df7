-- Sealed records, search parts, tokens, wrapped keys, documents, the outbox and the audit log.
-- Bytes are opaque here. Times are milliseconds since the Unix epoch. Resource types are their frozen codes.

CREATE TABLE tenant (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- The current version of each record. `tokens` and `links` remember what stands in `token` and `link` for this row.
CREATE TABLE record (
    number INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenant (id),
    rtype INTEGER NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version > 0),
    subject BLOB NOT NULL CHECK (length(subject) = 16),
    subject_key INTEGER NOT NULL,
    tenant_key INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    tokens BLOB NOT NULL,
    links BLOB NOT NULL,
    body BLOB NOT NULL CHECK ((length(body) = 0) = (deleted = 1))
) STRICT;
CREATE UNIQUE INDEX record_key ON record (tenant, rtype, id);
CREATE INDEX record_updated ON record (tenant, rtype, updated, id) WHERE deleted = 0;
CREATE INDEX record_tenant_key ON record (tenant, tenant_key, number) WHERE deleted = 0;

-- Versions that were replaced.
CREATE TABLE past (
    number INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenant (id),
    rtype INTEGER NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version > 0),
    subject BLOB NOT NULL CHECK (length(subject) = 16),
    subject_key INTEGER NOT NULL,
    tenant_key INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    body BLOB NOT NULL CHECK ((length(body) = 0) = (deleted = 1))
) STRICT;
CREATE UNIQUE INDEX past_key ON past (tenant, rtype, id, version);
CREATE INDEX past_tenant_key ON past (tenant, tenant_key, number) WHERE deleted = 0;

-- The search part of each live record, together with the others of its subject: one patient is one range.
CREATE TABLE search (
    tenant INTEGER NOT NULL REFERENCES tenant (id),
    subject BLOB NOT NULL CHECK (length(subject) = 16),
    rtype INTEGER NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    subject_key INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (tenant, subject, rtype, id)
) STRICT, WITHOUT ROWID;

-- Compartments that a live record belongs to besides its own subject's.
CREATE TABLE link (
    tenant INTEGER NOT NULL REFERENCES tenant (id),
    subject BLOB NOT NULL CHECK (length(subject) = 16),
    rtype INTEGER NOT NULL,
    id TEXT NOT NULL,
    home BLOB NOT NULL CHECK (length(home) = 16),
    PRIMARY KEY (tenant, subject, rtype, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
    tenant INTEGER NOT NULL REFERENCES tenant (id),
    token BLOB NOT NULL CHECK (length(token) BETWEEN 1 AND 24),
    rtype INTEGER NOT NULL,
    id TEXT NOT NULL,
    subject BLOB NOT NULL CHECK (length(subject) = 16),
    PRIMARY KEY (tenant, token, rtype, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tenant_key (
    tenant INTEGER NOT NULL REFERENCES tenant (id),
    version INTEGER NOT NULL CHECK (version > 0),
    wrapped BLOB NOT NULL,
    created INTEGER NOT NULL,
    retired INTEGER,
    PRIMARY KEY (tenant, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE index_root (
    tenant INTEGER PRIMARY KEY REFERENCES tenant (id),
    wrapped BLOB NOT NULL
) STRICT;

CREATE TABLE subject_key (
    tenant INTEGER NOT NULL REFERENCES tenant (id),
    subject BLOB NOT NULL CHECK (length(subject) = 16),
    version INTEGER NOT NULL CHECK (version > 0),
    tenant_key INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    PRIMARY KEY (tenant, subject, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE shredded (
    tenant INTEGER NOT NULL REFERENCES tenant (id),
    subject BLOB NOT NULL CHECK (length(subject) = 16),
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE document (
    space TEXT NOT NULL,
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (space, name)
) STRICT;

CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenant (id),
    rtype INTEGER NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    subject BLOB NOT NULL CHECK (length(subject) = 16),
    kind INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- Numbers that never go back: `document` revisions and `event` positions.
CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
INSERT INTO counter (name, value) VALUES ('document', 0), ('event', 0);

-- One row for each commit that made entries; rows are only ever added.
CREATE TABLE audit_frame (
    first INTEGER PRIMARY KEY,
    count INTEGER NOT NULL CHECK (count > 0),
    commitments BLOB NOT NULL CHECK (length(commitments) = 32 * count),
    body BLOB NOT NULL
) STRICT;

-- The present head: what the last row of `audit_frame` led to.
CREATE TABLE audit_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    size INTEGER NOT NULL,
    checkpoint BLOB NOT NULL,
    state BLOB NOT NULL
) STRICT;

-- Full tiles of the log's tree (C2SP tlog-tiles): 256 hashes of 32 bytes.
CREATE TABLE audit_tile (
    level INTEGER NOT NULL,
    position INTEGER NOT NULL,
    hashes BLOB NOT NULL CHECK (length(hashes) = 8192),
    PRIMARY KEY (level, position)
) STRICT;
