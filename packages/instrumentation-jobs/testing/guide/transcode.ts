/** Stands for what the jobs of the guide do. */
export const transcode = async (file: string): Promise<number> => file.length
