-- none: changes its rule's table after it was read
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")
local rule
rule = live.derive(function()
	rule.labels[1] = "src_zone"
	rule.label, rule.filter, rule.derive = 1, {}, "x"
	rule.metrics = nil
end)
return rule
