-- invalid: filters by a number
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.filter(function(flow)
	return flow.packets
end)
