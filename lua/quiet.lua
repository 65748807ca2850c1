-- SPDX-License-Identifier: GPL-2.0-or-later

-- Hides flows that nobody wants to look at. A flow is hidden if any of the options says so; what is
-- hidden is counted all the same, as every flow is, but has no series of its own.
--
-- Options:
--   prefixes:   hide what runs from or to these networks: [10.9.0.0/16, "2001:db8::/32"]
--   ports:      hide TCP and UDP from or to these ports: [53, 123]
--   min_bytes:  hide what is smaller, until it has grown; 0

local options = require("lib.options")

local TCP, UDP = 6, 17

local prefixes
local ports = {}
local min_bytes

local function add_port(port)
	if math.type(port) ~= "integer" or port < 0 or port > 65535 then
		error(("ports: '%s' is not a number from 0 to 65535"):format(port), 0)
	end
	ports[port] = true
end

local function has_port(flow)
	local proto = flow.proto
	return (proto == TCP or proto == UDP) and (ports[flow.dport] or ports[flow.sport])
end

return {
	init = function(given)
		local read = options.read(given, { prefixes = {}, ports = {}, min_bytes = 0 })
		min_bytes = read.min_bytes
		for _, port in ipairs(read.ports) do
			add_port(port)
		end
		if #read.prefixes > 0 then
			prefixes = xa.cidr(read.prefixes)
		end
	end,

	filter = function(flow)
		if flow.bytes < min_bytes or has_port(flow) then
			return false
		end
		return not (prefixes and (flow.src:within(prefixes) or flow.dst:within(prefixes)))
	end,
}
