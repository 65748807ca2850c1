-- none: makes waste of weak tables
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local t = setmetatable({}, { __mode = "k" })
	for _ = 1, 10000 do
		t[{}] = {}
	end
end)
