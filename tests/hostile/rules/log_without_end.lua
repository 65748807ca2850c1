-- steps: logs without end
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	while true do
		xa.log("noise\nlevel=error msg=\"a line of its own\"")
	end
end)
