-- steps: sorts by a comparator that contradicts itself
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local t = {}
	for i = 1, 1000 do
		t[i] = i
	end
	while true do
		pcall(table.sort, t, function() return true end)
	end
end)
