-- SPDX-License-Identifier: GPL-2.0-or-later

-- What zones have used of the bytes that they are meant to use in a period: everything from and to
-- a zone that a stage `zones` before this one has named; what runs inside of one is counted once,
-- what a rule before this one has hidden not at all. Periods begin at multiples of their length
-- since 1970, days at midnight UTC. What is used is kept over a reload, and forgotten if the policy
-- worker crashes or is killed.
--
-- Options:
--   budgets:  bytes by zone: {office: 20GiB, lab: 500MB}
--   period:   seconds; 86400, a day
--
-- Metrics: xdp_netflow_budget_used_ratio{zone}, 1 where it is used up, and
--          xdp_netflow_budget_breached{zone}, 0 or 1

local options = require("lib.options")

local units = {
	[""] = 1, B = 1,
	kB = 10 ^ 3, MB = 10 ^ 6, GB = 10 ^ 9, TB = 10 ^ 12,
	KiB = 2 ^ 10, MiB = 2 ^ 20, GiB = 2 ^ 30, TiB = 2 ^ 40,
}

local budgets = {}
local period

local function add_budget(zone, text)
	local number, unit = tostring(text):match("^([%d.]+)(%a*)$")
	local bytes = number and tonumber(number) and units[unit] and tonumber(number) * units[unit]
	if not bytes or bytes <= 0 then
		error(("budgets: '%s' is not written like 20GiB or 500MB"):format(text), 0)
	end
	budgets[zone] = bytes
end

local function begin_period(now)
	local this = now // period
	if xa.state.period ~= this or type(xa.state.used) ~= "table" then
		xa.state.period = this
		xa.state.used = {}
	end
	return xa.state.used
end

local function add_used(used, zone, bytes)
	if budgets[zone] then
		used[zone] = (used[zone] or 0) + bytes
	end
end

return {
	keep_state = true,

	metrics = {
		xdp_netflow_budget_used_ratio = {
			type = "gauge",
			help = "Bytes of a zone in this period, as a part of its budget.",
			labels = { "zone" },
		},
		xdp_netflow_budget_breached = {
			type = "gauge",
			help = "Whether a zone has used more than its budget in this period.",
			labels = { "zone" },
		},
	},

	init = function(given)
		local read = options.read(given, { budgets = {}, period = 86400 })
		period = read.period
		if period <= 0 then
			error("period: has to be more than 0 seconds", 0)
		end
		for zone, bytes in pairs(read.budgets) do
			add_budget(zone, bytes)
		end
	end,

	derive = function(snapshot, emit)
		local used = begin_period(snapshot.now)
		for src, dst, sum in snapshot:sum_by("src_zone", "dst_zone") do
			add_used(used, src, sum.bytes_delta)
			if dst ~= src then
				add_used(used, dst, sum.bytes_delta)
			end
		end
		for zone, budget in pairs(budgets) do
			local ratio = (used[zone] or 0) / budget
			emit("xdp_netflow_budget_used_ratio", ratio, { zone = zone })
			emit("xdp_netflow_budget_breached", ratio > 1 and 1 or 0, { zone = zone })
		end
	end,
}
