-- SPDX-License-Identifier: GPL-2.0-or-later

-- Who knocks at many doors: sources that have opened TCP connections to many ports (a port scan) or
-- to many hosts (a sweep) and never came to acknowledge anything. A client whose connections come
-- about, and a server that answers many clients, have ACK in all their flows and are no suspects,
-- however many peers they have.
--
-- Options:
--   ports:  as many different ports make a port scan; 100
--   hosts:  as many different hosts make a sweep; 100
--
-- Metrics: xdp_netflow_scan_ports{src} and xdp_netflow_scan_hosts{src}, of the sources at or over
--          the bound. Large numbers are estimates, by some percent.

local options = require("lib.options")

local SYN, ACK = 0x02, 0x10

local bounds

-- Flows are told apart by all of their flags, so that one port that was tried in two ways (SYN, and
-- SYN then RST) counts twice.
local function knocks(snapshot, what)
	local by_source = {}
	for src, flags, count in snapshot:count_distinct(what, "src", "tcp_flags") do
		-- what is beyond the groups of one call has "other" for its keys
		if math.type(flags) == "integer" and flags & (SYN | ACK) == SYN then
			by_source[src] = (by_source[src] or 0) + count
		end
	end
	return by_source
end

local function emit_over(emit, metric, by_source, bound)
	for src, count in pairs(by_source) do
		if count >= bound then
			emit(metric, count, { src = src })
		end
	end
end

return {
	metrics = {
		xdp_netflow_scan_ports = {
			type = "gauge",
			help = "Different TCP ports that a source has tried in vain, from the bound on.",
			labels = { "src" },
		},
		xdp_netflow_scan_hosts = {
			type = "gauge",
			help = "Different hosts that a source has tried in vain, from the bound on.",
			labels = { "src" },
		},
	},

	init = function(given)
		bounds = options.read(given, { ports = 100, hosts = 100 })
	end,

	derive = function(snapshot, emit)
		emit_over(emit, "xdp_netflow_scan_ports", knocks(snapshot, "dport"), bounds.ports)
		emit_over(emit, "xdp_netflow_scan_hosts", knocks(snapshot, "dst"), bounds.hosts)
	end,
}
