-- none: hides every flow
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.filter(function(flow)
	return flow.packets < 0
end)
