-- memory: keeps ten megabytes more with each snapshot
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")
local kept = {}

return live.derive(function()
	kept[#kept + 1] = ("x"):rep(1 << 24) .. #kept
end)
