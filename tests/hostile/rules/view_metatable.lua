-- error: takes the metatable of a flow away
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function(snapshot)
	for flow in snapshot:flows() do
		setmetatable(flow, nil)
	end
end)
