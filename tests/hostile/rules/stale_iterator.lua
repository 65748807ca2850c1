-- error: keeps an iterator over flows and goes on with it in filter
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")
local kept
local rule = live.derive(function(snapshot)
	kept = { snapshot:flows() }
	kept[1](kept[2], kept[3])
end)

rule.filter = function()
	return kept == nil or kept[1](kept[2], kept[3]).bytes >= 0
end
return rule
