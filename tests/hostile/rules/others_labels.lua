-- error: writes into a flow and into the labels of others
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function(snapshot)
	for flow in snapshot:flows() do
		flow.src_zone = "hostile"
	end
end)
