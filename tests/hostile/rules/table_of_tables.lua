-- memory: nests tables
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local t = {}
	while true do
		t = { t, {}, {}, {}, {}, {}, {}, {}, {} }
	end
end)
