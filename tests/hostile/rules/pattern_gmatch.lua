-- time: goes through matches that backtrack
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	for _ in ("a"):rep(200000):gmatch(".-b") do end
end)
