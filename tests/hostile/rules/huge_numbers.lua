-- none: emits the largest numbers that there are
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function(snapshot, emit)
	emit("xdp_netflow_hostile", 1.7e308, { kind = "x" })
	emit("xdp_netflow_hostile_total", math.maxinteger)
	emit("xdp_netflow_hostile_total", math.maxinteger)
	emit("xdp_netflow_hostile_sizes", 1.7e308)
	emit("xdp_netflow_hostile_sizes", -1.7e308)
end)
