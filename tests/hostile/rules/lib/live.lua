-- SPDX-License-Identifier: GPL-2.0-or-later

-- What the scripts of this folder are made with: rules that behave on the trial run, whose first
-- flow comes from the interface "trial", and attack in the daemon that has taken them.

local live = {}

local is_trial = false

local function is_live(flow)
	is_trial = is_trial or flow.interface == "trial"
	return not is_trial
end

local function rule()
	return {
		labels = { "hostile" },
		metrics = {
			xdp_netflow_hostile = {
				type = "gauge",
				help = "What the script says.",
				labels = { "kind" },
			},
			xdp_netflow_hostile_total = { type = "counter", help = "What the script counts." },
			xdp_netflow_hostile_sizes = {
				type = "histogram",
				help = "What the script observes.",
				buckets = { 1, 10 },
			},
		},
		label = function()
			return { hostile = "calm" }
		end,
	}
end

-- attack(snapshot, emit) once a snapshot.
function live.derive(attack)
	local made = rule()
	made.derive = function(snapshot, emit)
		for flow in snapshot:flows() do
			if is_live(flow) then
				return attack(snapshot, emit)
			end
			return
		end
	end
	return made
end

-- attack(flow) is what label() returns.
function live.label(attack)
	local made = rule()
	made.label = function(flow)
		if is_live(flow) then
			return attack(flow)
		end
		return { hostile = "calm" }
	end
	return made
end

-- attack(flow) is what filter() returns.
function live.filter(attack)
	local made = rule()
	made.filter = function(flow)
		if is_live(flow) then
			return attack(flow)
		end
		return true
	end
	return made
end

return live
