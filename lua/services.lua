-- SPDX-License-Identifier: GPL-2.0-or-later

-- Names the service that a flow belongs to, told by its ports: the destination's if that one is
-- known, else the source's, which is how the answers of a server look.
--
-- Options:
--   names:    more ports, or other names for known ones: {8443/tcp: shop, 5000: registry}
--   default:  the service of all other flows; "unknown"
--
-- Label:   service
-- Metric:  xdp_netflow_service_bytes{service}, bytes of the living flows

local options = require("lib.options")

local TCP, UDP = 6, 17

local default
local own = { [TCP] = {}, [UDP] = {} }

local function add(key, name)
	local port, proto = key:match("^(%d+)/?(%l*)$")
	port = math.tointeger(tonumber(port))
	if not port or port > 65535 or (proto ~= "" and proto ~= "tcp" and proto ~= "udp") then
		error(("names: '%s' is not written PORT, PORT/tcp or PORT/udp"):format(key), 0)
	end
	if proto ~= "udp" then
		own[TCP][port] = tostring(name)
	end
	if proto ~= "tcp" then
		own[UDP][port] = tostring(name)
	end
end

local function service_of(flow)
	local proto = flow.proto
	local named = own[proto]
	if not named then
		return nil
	end
	local dport, sport = flow.dport, flow.sport
	return named[dport] or xa.service(dport, proto) or named[sport] or xa.service(sport, proto)
end

return {
	labels = { "service" },
	metrics = {
		xdp_netflow_service_bytes = {
			type = "gauge",
			help = "Bytes of the living flows by service.",
			labels = { "service" },
		},
	},

	init = function(given)
		local read = options.read(given, { names = {}, default = "unknown" })
		default = read.default
		for key, name in pairs(read.names) do
			if type(key) ~= "string" then
				error("names: is a map, like {8443/tcp: shop}", 0)
			end
			add(key, name)
		end
	end,

	label = function(flow)
		return { service = service_of(flow) or default }
	end,

	derive = function(snapshot, emit)
		for service, sum in snapshot:sum_by("service") do
			emit("xdp_netflow_service_bytes", sum.bytes, { service = service })
		end
	end,
}
