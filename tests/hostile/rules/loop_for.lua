-- steps: counts to infinity
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	for _ = 1, math.huge do end
end)
