-- error: keeps emit and calls it in filter
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")
local kept
local rule = live.derive(function(_, emit)
	kept = emit
end)

rule.filter = function()
	if kept then
		kept("xdp_netflow_hostile_total", 1)
	end
	return true
end
return rule
