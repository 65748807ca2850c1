-- steps: catches in ever deeper calls
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	while true do
		pcall(pcall, pcall, error)
	end
end)
