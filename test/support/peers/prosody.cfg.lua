-- Prosody 0.12 peer for federation tests. Filled in by test/support/prosody.ts.
-- One virtual host {{DOMAIN}} and one MUC service {{MUCDOMAIN}}; everything bound to 127.0.0.1.
pidfile = "{{DIR}}/prosody.pid"
data_path = "{{DIR}}/data"
run_as_root = true
daemonize = false
certificates = "{{DIR}}/certs"
plugin_paths = { "/usr/lib/prosody/modules" }

interfaces = { "127.0.0.1" }
local_interfaces = { "127.0.0.1" }
c2s_ports = { {{C2SPORT}} }
c2s_direct_tls_ports = { {{C2STLSPORT}} }
s2s_ports = { {{S2SPORT}} }
s2s_direct_tls_ports = { {{S2STLSPORT}} }
component_ports = { }
http_ports = { {{HTTPPORT}} }
https_ports = { }
use_ipv6 = false

modules_enabled = {
	"roster", "saslauth", "tls", "dialback", "disco", "presence", "message", "iq",
	"carbons", "pep", "private", "blocklist", "vcard4", "vcard_legacy", "bookmarks",
	"smacks", "csi_simple", "mam", "ping", "time", "version", "uptime",
	"register", "bosh", "websocket", "admin_adhoc", "s2s_bidi",
}
-- built-in set that cannot be listed above: c2s, s2s, s2s_auth_certs, offline ...
modules_disabled = { {{DISABLED}} }      -- e.g. "tls" for a plaintext wire, "s2s_bidi", "dialback"

-- wire policy ---------------------------------------------------------------
c2s_require_encryption = false   -- test clients are on this machine
s2s_require_encryption = {{REQUIRE_TLS}}
s2s_secure_auth = {{SECURE_AUTH}}        -- true: only a verified certificate counts; false: dialback is enough
allow_unencrypted_plain_auth = true
consider_websocket_secure = true
consider_bosh_secure = true
cross_domain_websocket = true
cross_domain_bosh = true
ssl = { cafile = "{{DIR}}/certs/ca.pem" }  -- private CA used to verify the other side

-- name resolution -------------------------------------------------------------
-- libunbound (package lua-unbound) asks our own resolver on an unprivileged port;
-- neither /etc/resolv.conf nor /etc/hosts is read or changed.
unbound = {
	resolvconf = false;
	hoststxt = false;
	forward = "127.0.0.1@{{DNSPORT}}";
	options = { ["do-not-query-localhost:"] = "no" };
}

-- storage / limits --------------------------------------------------------------
authentication = "internal_hashed"
storage = "internal"
archive_expires_after = "1d"
allow_registration = true
-- without the module "limits": even when empty it holds servers to 30 KB a second
c2s_stanza_size_limit = 262144
s2s_stanza_size_limit = 524288
s2s_timeout = 30
s2s_close_timeout = 5

log = {
	{ levels = { min = "debug" }, to = "file", filename = "{{DIR}}/prosody.log" };
	{ levels = { min = "warn" }, to = "console" };
}

VirtualHost "{{DOMAIN}}"
	http_host = "localhost"

Component "{{MUCDOMAIN}}" "muc"
	modules_enabled = { "muc_mam" }
	muc_log_by_default = true
	muc_log_expires_after = "1d"
	restrict_room_creation = false
	muc_room_locking = false         -- set true to see status 201 + locked rooms
	muc_room_default_public = true
	muc_room_default_history_length = 20

