-- memory: joins a hundred megabytes
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local t = {}
	for i = 1, 1000 do
		t[i] = ("0123456789"):rep(10000)
	end
	return table.concat(t)
end)
